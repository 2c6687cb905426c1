using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace MlNetFineTune.Distributed;

/// <summary>
/// The message with which a process comes to an operation: which one it is, where the training is, and data of few bytes. All are of one
/// size, so that processes that disagree about the operation still understand each other.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Notice
{
    /// <summary>Bytes of data that travel with the notice, and need no message of their own.</summary>
    public const int DataBytes = 384;

    private const int TextBytes = 104;

    /// <summary>Operations of the process up to this one.</summary>
    public long Number;

    public OperationKind Kind;

    private int _textLength;

    /// <summary>Numbers of a sum, bytes of the others.</summary>
    public long Length;

    private fixed byte _text[TextBytes];
    private fixed byte _data[DataBytes];

    /// <summary>Data that fit; empty otherwise. Valid as long as the notice.</summary>
    [UnscopedRef]
    public Span<byte> Data => MemoryMarshal.CreateSpan(ref _data[0], DataBytes);

    /// <summary>The position of the training, or the reason of a failure, cut where it is longer than its place.</summary>
    public string Text
    {
        readonly get => Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpan(in _text[0], TextBytes + DataBytes)[.._textLength]);
        set
        {
            // A reason may take the place of the data, which is next to it.
            var place = MemoryMarshal.CreateSpan(ref _text[0], Kind == OperationKind.Failure ? TextBytes + DataBytes : TextBytes);
            Encoding.UTF8.GetEncoder().Convert(value, place, flush: true, out _, out _textLength, out _);
        }
    }

    public override readonly string ToString()
    {
        var what = Kind switch
        {
            OperationKind.Sum => $"the sum of {Length} numbers",
            OperationKind.TensorSum => $"the sum of a tensor of {Length} numbers",
            OperationKind.DeviceSum => $"the sum of a tensor of {Length} numbers on GPUs",
            OperationKind.Gather => $"a gather of {Length} bytes",
            OperationKind.Broadcast => "a broadcast",
            OperationKind.End => "the end of its program",
            _ => Kind.ToString(),
        };
        var position = _textLength > 0 && Kind is not (OperationKind.End or OperationKind.Failure) ? $", {Text}" : "";
        return $"{what} (operation {Number}{position})";
    }
}
