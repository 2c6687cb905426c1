using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Distributed;

/// <summary>
/// Sums of tensors on GPUs from memory to memory, on a stream beside libtorch's, so that the backward pass goes on meanwhile. Used where
/// every process computes on a GPU, finds NCCL, and gets right sums from it; else tensors go through the host.
/// </summary>
internal sealed unsafe partial class NcclCommunicator
{
    private readonly NcclLibrary _library;
    private readonly CudaDriver _driver;
    private readonly nint _context, _stream, _communicator;

    private NcclCommunicator(NcclLibrary library, CudaDriver driver, int device, byte[] id, MpiGroup group)
    {
        (_library, _driver, _context, Device) = (library, driver, driver.Context(device), device);
        using var current = driver.Enter(_context);
        _stream = driver.CreateStream();
        _communicator = library.Join(id, group.Rank, group.Size);
    }

    /// <summary>Its GPU.</summary>
    public int Device { get; }

    /// <summary>The GPU whose memory NCCL can sum, null for the host's. Tests replace it.</summary>
    public static Func<Tensor, int?> DeviceOf { get; set; } =
        tensor => tensor.device_type == DeviceType.CUDA ? tensor.device_index : null;

    /// <summary>Agrees with all processes on whether they use NCCL. Collective.</summary>
    /// <param name="group">The processes.</param>
    /// <param name="tensor">The first one that is summed.</param>
    /// <returns>Null where they do not: process 0 has said why, unless the tensor is in the host's memory.</returns>
    public static NcclCommunicator? Agree(MpiGroup group, Tensor tensor)
    {
        (NcclLibrary Library, CudaDriver Driver)? found = null;
        var device = DeviceOf(tensor);
        var reason = device is null ? "a process computes on the CPU" : ReasonOf(() => found = (NcclLibrary.Load(), CudaDriver.Load()));
        if (Refuses(group, device, reason))
            return null;

        byte[] id = [];
        reason = group.IsFirst ? ReasonOf(() => id = found!.Value.Library.CreateId()) : null;
        if (Refuses(group, device, reason))
            return null;

        id = group.Broadcast(id);
        NcclCommunicator? communicator = null;
        reason = ReasonOf(() =>
        {
            communicator = group.Within("ncclCommInitRank", () =>
                new NcclCommunicator(found!.Value.Library, found.Value.Driver, device!.Value, id, group));
        });
        return Refuses(group, device, reason) ? null : communicator;
    }

    /// <summary>Starts a sum after what libtorch has been given up to now.</summary>
    /// <returns>An event after the sum.</returns>
    public nint Start(Tensor buffer)
    {
        using var current = _driver.Enter(_context);
        var before = _driver.Record(stream: 0);
        _driver.Wait(_stream, before);
        _driver.Destroy(before); // in fact when it has happened
        _library.StartSum((void*)DataOf(buffer.Handle), buffer.numel(), _communicator, _stream);
        return _driver.Record(_stream);
    }

    /// <summary>Whether a sum is complete.</summary>
    /// <exception cref="NcclException">It never will be.</exception>
    public bool IsComplete(nint marker)
    {
        using var current = _driver.Enter(_context);
        _library.CheckWork(_communicator);
        return _driver.HasHappened(marker);
    }

    /// <summary>Forgets a sum that is complete.</summary>
    public void End(nint marker)
    {
        using var current = _driver.Enter(_context);
        _driver.Destroy(marker);
    }

    private static bool Refuses(MpiGroup group, int? device, string? reason)
    {
        if (group.FirstText(reason) is not { } first)
            return false;
        if (device is not null && group.IsFirst)
            Console.Error.WriteLine($"{group.Name}: sums of tensors on GPUs go through the host: {first}.");
        return true;
    }

    private static string? ReasonOf(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception e) when (e is NcclException or DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            return e.Message.ReplaceLineEndings(" ").Trim().TrimEnd('.');
        }
    }

    // TorchSharp's own name for at::Tensor::data_ptr: its properties refuse tensors of a GPU.
    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_data")]
    private static partial nint DataOf(nint tensor);
}
