namespace MlNetFineTune.Networks;

/// <summary>The kinds of text encoders, all transformers (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762).</summary>
internal enum TextKind
{
    /// <summary>Devlin et al. 2018 (https://arxiv.org/abs/1810.04805); MiniLM has this form.</summary>
    Bert,

    /// <summary>Liu et al. 2019 (https://arxiv.org/abs/1907.11692): BERT with other positions and one segment.</summary>
    Roberta,

    /// <summary>Sanh et al. 2019 (https://arxiv.org/abs/1910.01108): BERT without segments and pooler.</summary>
    DistilBert,

    /// <summary>Song et al. 2020 (https://arxiv.org/abs/2004.09297): BERT without segments, with relative positions too.</summary>
    MpNet,

    /// <summary>Warner et al. 2024 (https://arxiv.org/abs/2412.13663): rotary positions, local attention, gated perceptrons.</summary>
    ModernBert,
}
