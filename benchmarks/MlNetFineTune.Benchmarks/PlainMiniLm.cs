using MlNetFineTune.Networks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using LayerNorm = TorchSharp.Modules.LayerNorm;
using Linear = TorchSharp.Modules.Linear;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// A plain BERT of the size of all-MiniLM-L6-v2 from TorchSharp's own modules, as peer: attention as a product of matrices, as in
/// benchmarks/pytorch/minilm.py. It scores whole sentences of one length, and so needs no mask.
/// </summary>
internal sealed class PlainMiniLm : Module<Tensor, Tensor>
{
    private const int Width = 384, Inner = 1536, Heads = 12, Count = 6, Vocabulary = 30522, Positions = 512, Segments = 2;
    private const double Epsilon = 1e-12;

    private readonly Dictionary<string, (Parameter Weight, Parameter? Bias)> _named = [];
    private readonly Embedding _words, _positions, _segments;
    private readonly LayerNorm _norm;
    private readonly ModuleList<Layer> _layers = new();
    private readonly Linear _classifier;

    /// <param name="ours">The library's network, whose weights are copied.</param>
    /// <param name="classes">Number of classes.</param>
    public PlainMiniLm(TextNetwork ours, int classes)
        : base(nameof(PlainMiniLm))
    {
        _words = Table("word_embeddings", Vocabulary);
        _positions = Table("position_embeddings", Positions);
        _segments = Table("token_type_embeddings", Segments);
        _norm = Norm("embeddings.LayerNorm");
        for (var i = 0; i < Count; i++)
            _layers.Add(new Layer(this, $"encoder.layer.{i}"));
        _classifier = Dense("classifier", Width, classes);
        RegisterComponents();

        using var noGradients = no_grad();
        foreach (var (name, tensor) in ours.NamedTensors())
        {
            var cut = name.LastIndexOf('.');
            var (weight, bias) = _named[name[..cut]];
            (name[(cut + 1)..] == "weight" ? weight : bias!).copy_(tensor);
        }
        eval();
    }

    /// <summary>[N, T] of tokens -> [N, classes].</summary>
    public override Tensor forward(Tensor tokens)
    {
        using var places = arange(tokens.shape[1], ScalarType.Int64);
        var x = _words.forward(tokens) + _positions.forward(places) + _segments.forward(zeros_like(tokens));
        x = _norm.forward(x);
        foreach (var layer in _layers)
            x = layer.forward(x);
        return _classifier.forward(x.mean([1]));
    }

    private Embedding Table(string name, int rows)
    {
        var table = Embedding(rows, Width);
        _named[$"embeddings.{name}"] = (table.weight!, null);
        return table;
    }

    private LayerNorm Norm(string name)
    {
        var norm = LayerNorm(Width, Epsilon);
        _named[name] = (norm.weight!, norm.bias);
        return norm;
    }

    private Linear Dense(string name, int inputs, int outputs)
    {
        var dense = Linear(inputs, outputs);
        _named[name] = (dense.weight!, dense.bias);
        return dense;
    }

    private sealed class Layer : Module<Tensor, Tensor>
    {
        private readonly Linear _query, _key, _value, _mix, _widen, _narrow;
        private readonly LayerNorm _attended, _computed;

        public Layer(PlainMiniLm network, string name)
            : base(nameof(Layer))
        {
            _query = network.Dense($"{name}.attention.self.query", Width, Width);
            _key = network.Dense($"{name}.attention.self.key", Width, Width);
            _value = network.Dense($"{name}.attention.self.value", Width, Width);
            _mix = network.Dense($"{name}.attention.output.dense", Width, Width);
            _attended = network.Norm($"{name}.attention.output.LayerNorm");
            _widen = network.Dense($"{name}.intermediate.dense", Width, Inner);
            _narrow = network.Dense($"{name}.output.dense", Inner, Width);
            _computed = network.Norm($"{name}.output.LayerNorm");
            RegisterComponents();
        }

        // [N, T, C] -> [N, T, C]
        public override Tensor forward(Tensor x)
        {
            var scores = InHeads(_query).matmul(InHeads(_key).transpose(-1, -2)) / Math.Sqrt(Width / Heads); // [N, heads, T, T]
            var mixed = scores.softmax(-1).matmul(InHeads(_value)).transpose(1, 2).reshape(x.shape);
            x = _attended.forward(_mix.forward(mixed) + x);
            return _computed.forward(_narrow.forward(functional.gelu(_widen.forward(x))) + x);

            // [N, T, C] -> [N, heads, T, C / heads]
            Tensor InHeads(Linear projection) =>
                projection.forward(x).view(x.shape[0], x.shape[1], Heads, Width / Heads).transpose(1, 2);
        }
    }
}
