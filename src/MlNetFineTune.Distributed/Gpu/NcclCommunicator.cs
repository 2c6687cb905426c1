using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Distributed;

/// <summary>
/// Sums of tensors on GPUs from memory to memory, on a stream beside libtorch's, so that the backward pass goes on meanwhile. Used where
/// every process computes on a GPU and NCCL starts; else tensors go through the host.
/// </summary>
internal sealed unsafe partial class NcclCommunicator
{
    private readonly NcclLibrary _library;
    private readonly CudaDriver _driver;
    private readonly nint _context, _stream, _communicator;

    private NcclCommunicator(NcclLibrary library, CudaDriver driver, int device, nint context, nint stream, nint communicator)
    {
        (_library, _driver, Device) = (library, driver, device);
        (_context, _stream, _communicator) = (context, stream, communicator);
    }

    /// <summary>Its GPU.</summary>
    public int Device { get; }

    /// <summary>The GPU whose memory NCCL can sum, null for the host's. Tests replace it.</summary>
    public static Func<Device, int?> DeviceOf { get; set; } = device => device.type == DeviceType.CUDA ? device.index : null;

    /// <summary>Agrees with all processes on whether they use NCCL. Collective.</summary>
    /// <param name="group">The processes.</param>
    /// <param name="device">Where this process computes.</param>
    /// <param name="earlier">Used again where all still compute on the same GPUs.</param>
    /// <returns>Null where they do not. Process 0 has said why, where any computes on a GPU.</returns>
    public static NcclCommunicator? Agree(MpiGroup group, Device device, NcclCommunicator? earlier)
    {
        var gpu = DeviceOf(device);
        var gpus = group.Gather([(byte)(gpu is null ? 0 : 1), (byte)(gpu is not null && earlier?.Device == gpu ? 1 : 0)]);
        if (gpus.All(one => one[0] == 0))
            return null;
        if (gpus.All(one => one[1] == 1))
            return earlier;

        (NcclLibrary Library, CudaDriver Driver, nint Context, nint Stream)? found = null;
        byte[] id = [];
        var reason = gpu is null ? $"rank {group.Rank} computes on the CPU" : ReasonOf(() =>
        {
            var (library, driver) = (NcclLibrary.Load(), CudaDriver.Load());
            var context = driver.Context(gpu.Value);
            using var current = driver.Enter(context);
            found = (library, driver, context, driver.CreateStream());
            if (group.IsFirst)
                id = library.CreateId();
        });
        if (Refuses(group, reason))
            return null;

        id = group.Broadcast(id);
        var (nccl, cuda, ofGpu, stream) = found!.Value;
        nint communicator = 0;
        reason = ReasonOf(() => communicator = group.Within("ncclCommInitRank", () =>
        {
            using var current = cuda.Enter(ofGpu); // of the thread
            return nccl.Join(id, group.Rank, group.Size);
        }));
        if (!Refuses(group, reason))
            return new NcclCommunicator(nccl, cuda, gpu!.Value, ofGpu, stream, communicator);
        if (communicator != 0)
            nccl.Abort(communicator);
        return null;
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

    private static bool Refuses(MpiGroup group, string? reason)
    {
        if (group.FirstText(reason) is not { } first)
            return false;
        if (group.IsFirst)
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
