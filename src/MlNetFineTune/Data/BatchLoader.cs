using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>
/// Prefetches rows for the device: worker threads take rows in the order of the epoch and encode each directly into its place in a batch
/// buffer. A fixed number of buffers (<see cref="Buffers"/>) is reused, which bounds the memory: workers block until a buffer is free.
/// Results do not depend on the assignment to workers: a row's random numbers depend only on seed, epoch and row.
/// </summary>
internal sealed class BatchLoader(Dataset rows, long seed, int workers)
{
    /// <summary>The batches of one pass, in order.</summary>
    /// <param name="batches">Rows of each batch; some may have none.</param>
    /// <param name="augmentation">Augmentation of every picture.</param>
    /// <param name="epoch">The epoch, for the random numbers.</param>
    /// <param name="onBadRow">Called on the caller's thread for each row that cannot be read; may throw.</param>
    /// <param name="cancellation">Ends the pass with <see cref="OperationCanceledException"/>.</param>
    /// <param name="ordinalOf">The number that stands for a row in its random numbers; null for the row's index.</param>
    public IEnumerable<Batch> Read(
        IReadOnlyList<int[]> batches, Augmentation augmentation, int epoch, Action<int, string> onBadRow, CancellationToken cancellation,
        Func<int, int>? ordinalOf = null)
    {
        // No worker would fill the buffer of a batch without rows.
        var filled = batches.Any(batch => batch.Length == 0) ? [.. batches.Where(batch => batch.Length > 0)] : batches;
        rows.AroundPass();
        using var around = new AfterPass(rows);
        using var pass = new Pass(filled, Math.Min(workers, filled.Sum(batch => batch.Length)), Encode, rows.Length, cancellation);
        using var read = pass.Batches(onBadRow).GetEnumerator();
        foreach (var batch in batches)
            yield return batch.Length > 0 && read.MoveNext() ? read.Current : new Batch([], []);

        string? Encode(int row, Memory<byte> output, CancellationToken stop) =>
            rows.Encode(row, augmentation, new CountedRandom(seed, RandomStream.Augmentation, epoch, ordinalOf?.Invoke(row) ?? row),
                output.Span, stop);
    }

    /// <summary>
    /// One buffer for the batch on the device, one for the batch being completed, and as many as hold one row per worker, so that no worker
    /// blocks while a buffer is free.
    /// </summary>
    internal static int Buffers(int workers, int batchSize) => 2 + (workers + batchSize - 1) / batchSize;

    /// <summary>
    /// Splits an order into batches whose sizes differ by at most one, so that the last batch is not small, with poor BatchNorm statistics.
    /// </summary>
    public static T[][] Split<T>(IReadOnlyList<T> order, int batchSize)
    {
        var count = (order.Count + batchSize - 1) / batchSize;
        var batches = new T[count][];
        for (var b = 0; b < count; b++)
        {
            var (begin, end) = ((int)((long)order.Count * b / count), (int)((long)order.Count * (b + 1) / count));
            batches[b] = [.. order.Skip(begin).Take(end - begin)];
        }
        return batches;
    }

    // Disposed after the pass, whose threads have then ended.
    private sealed class AfterPass(Dataset rows) : IDisposable
    {
        public void Dispose() => rows.AroundPass();
    }

    private sealed class Pass : IDisposable
    {
        private readonly IReadOnlyList<int[]> _batches;
        private readonly int[] _begins;
        private readonly Func<int, Memory<byte>, CancellationToken, string?> _encode;
        private readonly int _length;
        private readonly Slot[] _slots;
        private readonly CancellationToken _cancellation;
        private readonly CancellationTokenSource _stop;
        private readonly Thread[] _threads;
        private readonly Lock _lock = new();
        private int _nextPosition;

        public Pass(IReadOnlyList<int[]> batches, int workers, Func<int, Memory<byte>, CancellationToken, string?> encode, int length,
            CancellationToken cancellation)
        {
            _batches = batches;
            _encode = encode;
            _length = length;
            _begins = new int[batches.Count + 1];
            for (var b = 0; b < batches.Count; b++)
                _begins[b + 1] = _begins[b] + batches[b].Length;
            var largest = batches.Count == 0 ? 0 : batches.Max(batch => batch.Length);
            _slots = [.. Enumerable.Range(0, Math.Min(Buffers(workers, Math.Max(largest, 1)), batches.Count))
                .Select(s => new Slot(new byte[largest * length], batches[s].Length))];
            _cancellation = cancellation;
            _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            _threads = [.. Enumerable.Range(0, workers)
                .Select(w => new Thread(Work) { IsBackground = true, Name = $"MlNetFineTune image reader {w}" })];
            foreach (var thread in _threads)
                thread.Start();
        }

        public IEnumerable<Batch> Batches(Action<int, string> onBadRow)
        {
            for (var b = 0; b < _batches.Count; b++)
            {
                var slot = _slots[b % _slots.Length];
                WaitFor(slot);
                slot.Failure?.Throw();
                slot.Full.Reset();
                yield return Compact(slot, _batches[b], onBadRow);

                if (b + _slots.Length is var next && next < _batches.Count)
                {
                    slot.Prepare(_batches[next].Length);
                    slot.Free.Set();
                }
            }
        }

        private void WaitFor(Slot slot)
        {
            try
            {
                slot.Full.Wait(_stop.Token);
            }
            catch (OperationCanceledException)
            {
                _cancellation.ThrowIfCancellationRequested(); // with the caller's token instead of the internal one
                throw;
            }
        }

        // Moves readable rows to the places of unreadable ones.
        private Batch Compact(Slot slot, int[] rows, Action<int, string> onBadRow)
        {
            if (slot.Reasons.All(reason => reason is null))
                return new Batch(slot.Pixels, rows);
            var good = new List<int>();
            for (var i = 0; i < rows.Length; i++)
            {
                if (slot.Reasons[i] is { } reason)
                {
                    onBadRow(rows[i], reason);
                    continue;
                }
                slot.Pixels.AsSpan(i * _length, _length).CopyTo(slot.Pixels.AsSpan(good.Count * _length));
                good.Add(rows[i]);
            }
            return new Batch(slot.Pixels, [.. good]);
        }

        private void Work()
        {
            try
            {
                while (!_stop.IsCancellationRequested && Take(out var batch, out var index))
                {
                    var slot = _slots[batch % _slots.Length];
                    try
                    {
                        slot.Reasons[index] = _encode(_batches[batch][index], slot.Pixels.AsMemory(index * _length, _length), _stop.Token);
                    }
                    catch (Exception e) when (!_stop.IsCancellationRequested || e is not OperationCanceledException)
                    {
                        // Thrown on the training thread when it reaches this batch.
                        slot.Failure ??= System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(e);
                    }
                    if (Interlocked.Decrement(ref slot.Missing) == 0)
                        slot.Full.Set();
                }
            }
            catch (OperationCanceledException)
            {
                // The pass was cancelled.
            }
        }

        // Positions are assigned in order; a worker that starts a new batch waits for its buffer.
        private bool Take(out int batch, out int index)
        {
            lock (_lock)
            {
                (batch, index) = (0, 0);
                if (_nextPosition >= _begins[^1])
                    return false;
                batch = Array.BinarySearch(_begins, _nextPosition);
                if (batch < 0)
                    batch = ~batch - 1;
                index = _nextPosition - _begins[batch];
                if (index == 0 && batch >= _slots.Length)
                {
                    var slot = _slots[batch % _slots.Length];
                    slot.Free.Wait(_stop.Token);
                    slot.Free.Reset();
                }
                _nextPosition++;
                return true;
            }
        }

        public void Dispose()
        {
            _stop.Cancel();
            foreach (var thread in _threads)
                thread.Join();
            foreach (var slot in _slots)
                slot.Dispose();
            _stop.Dispose();
        }
    }

    private sealed class Slot(byte[] pixels, int count) : IDisposable
    {
        public byte[] Pixels { get; } = pixels;

        public string?[] Reasons { get; private set; } = new string?[count];

        public int Missing = count;

        public System.Runtime.ExceptionServices.ExceptionDispatchInfo? Failure { get; set; }

        public ManualResetEventSlim Full { get; } = new();

        public ManualResetEventSlim Free { get; } = new();

        public void Prepare(int count)
        {
            Reasons = new string?[count];
            Missing = count;
            Failure = null;
        }

        public void Dispose()
        {
            Full.Dispose();
            Free.Dispose();
        }
    }
}
