namespace MlNetFineTune;

public sealed partial record TextBackbone
{
    /// <summary>How the vectors of a text's tokens become one vector.</summary>
    public enum TokenPooling
    {
        /// <summary>The mean over all tokens that are not padding, special tokens included, as in sentence encoders.</summary>
        Mean,

        /// <summary>The vector of the first token (<c>[CLS]</c>, or <c>&lt;s&gt;</c>).</summary>
        ClassToken,

        /// <summary>The first token after the pretrained <c>pooler</c> layer of BERT and RoBERTa, with tanh.</summary>
        Pooler,
    }
}
