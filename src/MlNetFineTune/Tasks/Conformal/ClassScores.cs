using System.Numerics.Tensors;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Tasks;

/// <summary>
/// How the scores of a task with exactly one class a row are read: as probabilities of the classes, as a predicted class, and as values of
/// the label in a column of class sets.
/// </summary>
internal abstract class ClassScores
{
    /// <summary>Names of the classes.</summary>
    public abstract IReadOnlyList<string> Names { get; }

    /// <summary>Probabilities of the classes.</summary>
    public abstract float[] ProbabilitiesOf(ReadOnlySpan<float> scores);

    /// <summary>The class in the column of predicted labels, from 0.</summary>
    public abstract int PredictedOf(ReadOnlySpan<float> scores);

    /// <summary>The column of class sets: a vector of the label's values.</summary>
    public abstract DataViewSchema.DetachedColumn SetColumn(string name);

    /// <summary>A getter of the column.</summary>
    /// <param name="classesOf">The classes of the current row's set, in order.</param>
    public abstract Delegate SetGetter(Func<int[]> classesOf);

    /// <summary>Adds the probabilities to a graph: [N, classes].</summary>
    /// <param name="graph">Receives the nodes.</param>
    /// <param name="outputs">Result of <see cref="BoundTask.WriteOutputs"/>.</param>
    public abstract GraphValue WriteProbabilities(NetworkGraph graph, IReadOnlyList<GraphOutput> outputs);

    /// <summary>Adds the index of the predicted class to a graph: [N, 1], integers.</summary>
    /// <param name="graph">Receives the nodes.</param>
    /// <param name="outputs">Result of <see cref="BoundTask.WriteOutputs"/>.</param>
    public abstract GraphValue WritePredicted(NetworkGraph graph, IReadOnlyList<GraphOutput> outputs);

    /// <summary>Shape of the column of class sets, for <c>GetOutputSchema</c>.</summary>
    /// <param name="name">Name of the column.</param>
    /// <param name="label">The label column: a key, or a Boolean.</param>
    public static SchemaShape.Column SetShape(string name, SchemaShape.Column label)
    {
        var hasValues = label.IsKey && label.Annotations.TryFindColumn(AnnotationUtils.Kinds.KeyValues, out _);
        var annotations = hasValues
            ? new SchemaShape(label.Annotations.Where(column => column.Name == AnnotationUtils.Kinds.KeyValues))
            : new SchemaShape([]);
        return new(
            name, SchemaShape.Column.VectorKind.VariableVector,
            label.IsKey ? NumberDataViewType.UInt32 : BooleanDataViewType.Instance, label.IsKey, annotations);
    }

    /// <summary>Overwrites ML.NET's vector.</summary>
    protected static void Fill<T>(ref VBuffer<T> value, int[] classes, Func<int, T> valueOf)
    {
        var editor = VBufferEditor.Create(ref value, classes.Length);
        for (var i = 0; i < classes.Length; i++)
            editor.Values[i] = valueOf(classes[i]);
        value = editor.Commit();
    }

    /// <summary>Scores are the probabilities, and the predicted class is the most probable one.</summary>
    public sealed class OfKeys(LabelKeys keys) : ClassScores
    {
        public override IReadOnlyList<string> Names => keys.Names;

        public override float[] ProbabilitiesOf(ReadOnlySpan<float> scores) => scores.ToArray();

        public override int PredictedOf(ReadOnlySpan<float> scores) => TensorPrimitives.IndexOfMax(scores);

        public override DataViewSchema.DetachedColumn SetColumn(string name)
        {
            var annotations = new DataViewSchema.Annotations.Builder();
            keys.AddTo(annotations, AnnotationUtils.Kinds.KeyValues);
            return new(name, new VectorDataViewType(new KeyDataViewType(typeof(uint), keys.Count)), annotations.ToAnnotations());
        }

        public override Delegate SetGetter(Func<int[]> classesOf) =>
            (ValueGetter<VBuffer<uint>>)((ref VBuffer<uint> value) => Fill(ref value, classesOf(), c => (uint)c + 1)); // 0 is missing

        public override GraphValue WriteProbabilities(NetworkGraph graph, IReadOnlyList<GraphOutput> outputs) => outputs[1].Value;

        public override GraphValue WritePredicted(NetworkGraph graph, IReadOnlyList<GraphOutput> outputs) =>
            graph.Add("ArgMax", [outputs[1].Value], ("axis", 1L), ("keepdims", 1L));
    }

    /// <summary>The score is the logit of true.</summary>
    /// <param name="threshold">The predicted label is true above this score.</param>
    /// <param name="temperature">Divisor of the network's logit.</param>
    public sealed class OfLogit(float threshold, float temperature) : ClassScores
    {
        public override IReadOnlyList<string> Names => BinaryObjective.Classes;

        public override float[] ProbabilitiesOf(ReadOnlySpan<float> scores)
        {
            var probability = BinaryTask.ProbabilityOf(scores[0]);
            return [1 - probability, probability];
        }

        public override int PredictedOf(ReadOnlySpan<float> scores) => scores[0] > threshold ? 1 : 0;

        public override DataViewSchema.DetachedColumn SetColumn(string name) =>
            new(name, new VectorDataViewType(BooleanDataViewType.Instance));

        public override Delegate SetGetter(Func<int[]> classesOf) =>
            (ValueGetter<VBuffer<bool>>)((ref VBuffer<bool> value) => Fill(ref value, classesOf(), c => c == 1));

        public override GraphValue WriteProbabilities(NetworkGraph graph, IReadOnlyList<GraphOutput> outputs)
        {
            var isTrue = outputs[1].Value; // [N, 1]
            return graph.Concat(1, graph.Add("Sub", [graph.Scalar("one", 1), isTrue]), isTrue);
        }

        public override GraphValue WritePredicted(NetworkGraph graph, IReadOnlyList<GraphOutput> outputs)
        {
            var score = graph.Product(outputs[0].Value, graph.Scalar("inverse_temperature", 1 / temperature));
            return graph.ToIndices(graph.AddExact("Greater", score, graph.Scalar("threshold", threshold)), isSingle: false);
        }
    }
}
