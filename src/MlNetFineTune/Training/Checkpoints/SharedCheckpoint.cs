using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>
/// A checkpoint that process 0 reads and all processes receive, tensor by tensor, so that only process 0 needs its folder. All processes
/// read the same tensors in the same order.
/// </summary>
internal sealed class SharedCheckpoint : ICheckpointContents
{
    private readonly CheckpointFile? _file;
    private readonly ProcessGroup _processes;
    private readonly IReadOnlyDictionary<string, long[]> _shapes;

    private SharedCheckpoint(CheckpointFile? file, ProcessGroup processes, Contents contents) =>
        (_file, _processes, State, _shapes) = (file, processes, CheckpointFile.Parse(contents.State), contents.Shapes);

    public CheckpointState State { get; }

    /// <param name="file">
    /// The file in process 0, which is disposed with the result; null if it has none, and in the other processes.
    /// </param>
    /// <param name="processes">The processes.</param>
    /// <returns>Null if process 0 has no file.</returns>
    /// <exception cref="ProcessGroupException">Process 0 has ended or does not answer.</exception>
    public static SharedCheckpoint? Of(CheckpointFile? file, ProcessGroup processes)
    {
        processes.Position = "reading a checkpoint";
        var sent = processes.Broadcast(
            file is null ? [] : JsonSerializer.SerializeToUtf8Bytes(new Contents(CheckpointFile.JsonOf(file.State), file.Shapes)));
        return sent.Length == 0 ? null : new SharedCheckpoint(file, processes, JsonSerializer.Deserialize<Contents>(sent)!);
    }

    public bool Has(string name) => _shapes.ContainsKey(name);

    public long[]? ShapeOf(string name) => _shapes.GetValueOrDefault(name);

    public void ReadInto(IEnumerable<(string Name, Tensor Tensor)> targets)
    {
        foreach (var (name, target) in targets)
        {
            _file?.ReadInto([(name, target)]);
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            var numbers = target.detach().cpu().contiguous();
            var bytes = _processes.Broadcast(_file is null ? [] : numbers.bytes);
            if (_file is not null)
                continue;
            var received = empty(target.shape, target.dtype);
            bytes.CopyTo(received.bytes);
            target.copy_(received);
        }
    }

    public void Dispose() => _file?.Dispose();

    private sealed record Contents(string State, IReadOnlyDictionary<string, long[]> Shapes);
}
