using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Reporting;

/// <summary>
/// TensorBoard's <c>Event</c> as protocol buffers write it (tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto):
/// <c>double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; SessionLog session_log = 7;</c>
/// with <c>Summary { repeated Value value = 1; }</c>, <c>Value { string tag = 1; float simple_value = 2; }</c>, <c>SessionLog { status = 1; }</c>.
/// </summary>
internal sealed class EventMessage
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    private EventMessage()
    {
    }

    /// <summary>The first record of every file.</summary>
    public static byte[] FileVersion(double wallTime) => Event(wallTime, step: 0, message => message.Text(3, "brain.Event:2"));

    /// <summary>Says that what other files have from this step on is of a run that was cut off.</summary>
    public static byte[] SessionStart(double wallTime, long step) => Event(wallTime, step, message => message.Inner(7, log => log.Varint(1, 1)));

    public static byte[] Scalars(double wallTime, long step, params ReadOnlySpan<(string Tag, double Value)> scalars)
    {
        var values = scalars.ToArray();
        return Event(wallTime, step, message => message.Inner(5, summary =>
        {
            foreach (var (tag, value) in values)
            {
                summary.Inner(1, scalar =>
                {
                    scalar.Text(1, tag);
                    scalar.Single(2, (float)value);
                });
            }
        }));
    }

    private static byte[] Event(double wallTime, long step, Action<EventMessage> rest)
    {
        var message = new EventMessage();
        message.Double(1, wallTime);
        if (step != 0)
            message.Varint(2, step);
        rest(message);
        return message._bytes.WrittenSpan.ToArray();
    }

    // A field begins with its number and its wire type: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes.
    private void Key(int field, int wireType) => Varint((ulong)(field << 3 | wireType));

    private void Varint(int field, long value)
    {
        Key(field, 0);
        Varint((ulong)value);
    }

    private void Double(int field, double value)
    {
        Key(field, 1);
        BinaryPrimitives.WriteDoubleLittleEndian(_bytes.GetSpan(8), value);
        _bytes.Advance(8);
    }

    private void Single(int field, float value)
    {
        Key(field, 5);
        BinaryPrimitives.WriteSingleLittleEndian(_bytes.GetSpan(4), value);
        _bytes.Advance(4);
    }

    private void Text(int field, string text) => Bytes(field, Encoding.UTF8.GetBytes(text));

    private void Inner(int field, Action<EventMessage> write)
    {
        var inner = new EventMessage();
        write(inner);
        Bytes(field, inner._bytes.WrittenSpan);
    }

    private void Bytes(int field, ReadOnlySpan<byte> bytes)
    {
        Key(field, 2);
        Varint((ulong)bytes.Length);
        _bytes.Write(bytes);
    }

    private void Varint(ulong value)
    {
        Span<byte> bytes = stackalloc byte[10];
        var count = 0;
        for (; value >= 0x80; value >>= 7)
            bytes[count++] = (byte)(value | 0x80);
        bytes[count++] = (byte)value;
        _bytes.Write(bytes[..count]);
    }
}
