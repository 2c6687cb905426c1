using System.Buffers.Binary;
using Google.Protobuf;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using Tensorboard;

namespace MlNetFineTune.Reporting;

/// <summary>
/// A TensorBoard event file: TFRecords, each a length (8 bytes), its masked checksum (4), an <see cref="Event"/> message, and its masked
/// checksum (4), little-endian. TorchSharp ships the classes of the messages. Each record is written in one call, so that a concurrent
/// reader, or one after the process was killed, finds complete records.
/// </summary>
internal sealed class EventFile : IDisposable
{
    // The version of the format, in the first record of every file.
    private const string FileVersion = "brain.Event:2";

    private readonly FileStream _file;
    private readonly TimeProvider _clock;
    private bool _started;

    private EventFile(FileStream file, TimeProvider clock)
    {
        (_file, _clock) = (file, clock);
        Write(new Event { FileVersion = FileVersion });
    }

    public string Path => _file.Name;

    /// <summary>
    /// Creates a file in a folder: <c>events.out.tfevents.</c> followed by the time in seconds, the process ID and a number.
    /// </summary>
    public static EventFile Create(string folder, TimeProvider clock)
    {
        for (var number = 0; ; number++)
        {
            var second = clock.GetUtcNow().ToUnixTimeSeconds();
            var name = FormattableString.Invariant($"events.out.tfevents.{second:0000000000}.{Environment.ProcessId}.{number}");
            var path = System.IO.Path.Combine(folder, name);
            if (File.Exists(path))
                continue;
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Share = FileShare.Read,
                BufferSize = 0,
            };
            return new EventFile(new FileStream(path, options), clock);
        }
    }

    public void AddScalars(int step, params ReadOnlySpan<(string Tag, double Value)> scalars)
    {
        // Tells TensorBoard to discard records of earlier files from this step on: they come from an interrupted run.
        if (!_started)
            Write(new Event { Step = step, SessionLog = new SessionLog { Status = SessionLog.Types.SessionStatus.Start } });
        _started = true;
        var summary = new Summary();
        foreach (var (tag, value) in scalars)
            summary.Value.Add(new Summary.Types.Value { Tag = tag, SimpleValue = (float)value });
        Write(new Event { Step = step, Summary = summary });
    }

    private void Write(Event entry)
    {
        entry.WallTime = (_clock.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds;
        var message = entry.ToByteArray();
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, message.Length);

        var record = new byte[8 + 4 + message.Length + 4];
        length.CopyTo(record, 0);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedCrc.Of(length));
        message.CopyTo(record, 12);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + message.Length), MaskedCrc.Of(message));
        _file.Write(record);
    }

    public void Dispose() => _file.Dispose();
}
