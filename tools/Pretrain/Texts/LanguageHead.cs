using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Pretrain;

/// <summary>BERT's head of masked language modelling, whose output matrix is the table of word vectors. Not part of the result.</summary>
internal sealed class LanguageHead : IDisposable
{
    private readonly Linear _dense;
    private readonly LayerNorm _norm;
    private readonly Parameter _words;
    private readonly Parameter _bias;

    /// <param name="words">The word vectors [V, C]. The encoder keeps ownership.</param>
    /// <param name="seed">Seed of the initial weights.</param>
    public LanguageHead(Parameter words, long seed)
    {
        var (vocabulary, width) = ((int)words.shape[0], (int)words.shape[1]);
        (_words, _dense, _norm) = (words, new Linear(width, width), new LayerNorm(width, 1e-12));
        _bias = Parameters.Of(zeros(vocabulary, Parameters.Type));
        WeightInitialization.FillNormal(_dense.weight, 0.02, seed, RandomStream.WeightsOf("cls.predictions.transform.dense.weight"));
    }

    public IEnumerable<Parameter> Weights() => [_dense.weight, _dense.bias!, _norm.weight, _norm.bias!, _bias];

    /// <summary>[M, C] -> logits [M, V].</summary>
    public Tensor Forward(Tensor hidden) =>
        nn.functional.linear(_norm.forward(nn.functional.gelu(_dense.forward(hidden))), _words, _bias);

    public void Dispose()
    {
        _dense.Dispose();
        _norm.Dispose();
        _bias.Dispose();
    }
}
