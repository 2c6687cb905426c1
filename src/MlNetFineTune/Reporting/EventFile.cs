using System.Buffers.Binary;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Reporting;

/// <summary>
/// A TensorBoard event file: TFRecords, each a length (8 bytes), its masked checksum (4), the <see cref="EventMessage"/>, and its masked checksum (4), little-endian.
/// A record goes to the file in one write, so that whoever reads it meanwhile, or after the process was killed, finds whole records.
/// </summary>
internal sealed class EventFile : IDisposable
{
    private readonly FileStream _file;
    private readonly TimeProvider _clock;
    private bool _started;

    private EventFile(FileStream file, TimeProvider clock)
    {
        (_file, _clock) = (file, clock);
        Write(EventMessage.FileVersion(Now));
    }

    public string Path => _file.Name;

    private double Now => (_clock.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds;

    /// <summary>A new file in a folder: <c>events.out.tfevents.</c> and its second, the process and a number.</summary>
    public static EventFile Create(string folder, TimeProvider clock)
    {
        for (var number = 0; ; number++)
        {
            var name = FormattableString.Invariant($"events.out.tfevents.{clock.GetUtcNow().ToUnixTimeSeconds():0000000000}.{Environment.ProcessId}.{number}");
            var path = System.IO.Path.Combine(folder, name);
            if (File.Exists(path))
                continue;
            return new EventFile(new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.Read, BufferSize = 0 }), clock);
        }
    }

    public void AddScalars(int step, params ReadOnlySpan<(string Tag, double Value)> scalars)
    {
        if (!_started)
            Write(EventMessage.SessionStart(Now, step));
        _started = true;
        Write(EventMessage.Scalars(Now, step, scalars));
    }

    private void Write(ReadOnlySpan<byte> message)
    {
        var record = new byte[8 + 4 + message.Length + 4];
        BinaryPrimitives.WriteInt64LittleEndian(record, message.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedCrc.Of(record.AsSpan(0, 8)));
        message.CopyTo(record.AsSpan(12));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + message.Length), MaskedCrc.Of(message));
        _file.Write(record);
    }

    public void Dispose() => _file.Dispose();
}
