using System.Runtime.InteropServices;
using Google.Protobuf;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Onnx;

/// <summary>A protocol buffer message, field by field, as its definition numbers them. Google's library does the encoding; nothing is generated.</summary>
internal sealed class ProtoMessage
{
    private readonly List<(int Size, Action<CodedOutputStream> Write)> _fields = [];

    /// <summary>Bytes, without its own tag and length.</summary>
    public int Size { get; private set; }

    public ProtoMessage Add(int field, long value) => Add(
        field, WireFormat.WireType.Varint, CodedOutputStream.ComputeInt64Size(value), output => output.WriteInt64(value));

    public ProtoMessage Add(int field, float value) => Add(
        field, WireFormat.WireType.Fixed32, CodedOutputStream.ComputeFloatSize(value), output => output.WriteFloat(value));

    public ProtoMessage Add(int field, string value) => Add(
        field, WireFormat.WireType.LengthDelimited, CodedOutputStream.ComputeStringSize(value), output => output.WriteString(value));

    public ProtoMessage Add(int field, ReadOnlyMemory<byte> value)
    {
        var bytes = UnsafeByteOperations.UnsafeWrap(value); // written before anyone can change it
        return Add(field, WireFormat.WireType.LengthDelimited, CodedOutputStream.ComputeBytesSize(bytes), output => output.WriteBytes(bytes));
    }

    public ProtoMessage Add(int field, ProtoMessage message) => Add(
        field, WireFormat.WireType.LengthDelimited, CodedOutputStream.ComputeLengthSize(message.Size) + message.Size, output =>
        {
            output.WriteLength(message.Size);
            message.WriteTo(output);
        });

    public ProtoMessage Add(int field, IEnumerable<ProtoMessage> messages) => messages.Aggregate(this, (all, message) => all.Add(field, message));

    public ProtoMessage Add(int field, IEnumerable<string> values) => values.Aggregate(this, (all, value) => all.Add(field, value));

    public ProtoMessage Add(int field, IEnumerable<long> values) => values.Aggregate(this, (all, value) => all.Add(field, value));

    /// <summary>The bytes of an array of numbers in the order of this machine, which must be the file's: little-endian.</summary>
    public ProtoMessage AddRaw<T>(int field, T[] values)
        where T : unmanaged =>
        BitConverter.IsLittleEndian ? Add(field, MemoryMarshal.AsBytes<T>(values).ToArray()) : throw new PlatformNotSupportedException("ONNX files are little-endian.");

    public void WriteTo(CodedOutputStream output)
    {
        foreach (var (_, write) in _fields)
            write(output);
    }

    private ProtoMessage Add(int field, WireFormat.WireType type, int size, Action<CodedOutputStream> write)
    {
        Size = checked(Size + CodedOutputStream.ComputeTagSize(field) + size);
        _fields.Add((size, output =>
        {
            output.WriteTag(field, type);
            write(output);
        }
        ));
        return this;
    }
}
