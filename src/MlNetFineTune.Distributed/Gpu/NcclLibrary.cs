using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MlNetFineTune.Distributed;

/// <summary>The functions of NCCL 2 (nccl.h) for sums of floats.</summary>
internal sealed unsafe class NcclLibrary
{
    // nccl.h
    private const int Success = 0, Float32 = 7, Sum = 0;

    private static readonly string[] s_names = ["libnccl.so.2", "libnccl.so"];

    private readonly delegate* unmanaged[Cdecl]<Id*, int> _getUniqueId;
    private readonly delegate* unmanaged[Cdecl]<nint*, int, Id, int, int> _commInitRank;
    private readonly delegate* unmanaged[Cdecl]<void*, void*, nuint, int, int, nint, nint, int> _allReduce;
    private readonly delegate* unmanaged[Cdecl]<nint, int*, int> _commGetAsyncError;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _commAbort;
    private readonly delegate* unmanaged[Cdecl]<int, byte*> _getErrorString;

    private NcclLibrary(nint handle)
    {
        _getUniqueId = (delegate* unmanaged[Cdecl]<Id*, int>)NativeLibrary.GetExport(handle, "ncclGetUniqueId");
        _commInitRank = (delegate* unmanaged[Cdecl]<nint*, int, Id, int, int>)NativeLibrary.GetExport(handle, "ncclCommInitRank");
        _allReduce = (delegate* unmanaged[Cdecl]<void*, void*, nuint, int, int, nint, nint, int>)
            NativeLibrary.GetExport(handle, "ncclAllReduce");
        _commGetAsyncError = (delegate* unmanaged[Cdecl]<nint, int*, int>)NativeLibrary.GetExport(handle, "ncclCommGetAsyncError");
        _commAbort = (delegate* unmanaged[Cdecl]<nint, int>)NativeLibrary.GetExport(handle, "ncclCommAbort");
        _getErrorString = (delegate* unmanaged[Cdecl]<int, byte*>)NativeLibrary.GetExport(handle, "ncclGetErrorString");
    }

    /// <exception cref="DllNotFoundException">The system's loader finds none.</exception>
    /// <exception cref="EntryPointNotFoundException">It lacks a function.</exception>
    public static NcclLibrary Load()
    {
        foreach (var name in s_names)
        {
            if (NativeLibrary.TryLoad(name, out var handle))
                return new NcclLibrary(handle);
        }
        throw new DllNotFoundException($"NCCL is not installed: the system's loader finds no {string.Join(" or ", s_names)}");
    }

    /// <summary>The name of a new communicator, by which its processes find each other.</summary>
    public byte[] CreateId()
    {
        Id id;
        Check("ncclGetUniqueId", _getUniqueId(&id));
        return ((ReadOnlySpan<byte>)id).ToArray();
    }

    /// <summary>Joins a communicator, with the device of this thread's context. Returns when all processes have come.</summary>
    public nint Join(ReadOnlySpan<byte> id, int rank, int size)
    {
        nint communicator;
        Check("ncclCommInitRank", _commInitRank(&communicator, size, MemoryMarshal.Read<Id>(id), rank));
        return communicator;
    }

    /// <summary>Puts the sum of floats over all processes in their place, on a stream.</summary>
    public void StartSum(void* values, long count, nint communicator, nint stream) =>
        Check("ncclAllReduce", _allReduce(values, values, (nuint)count, Float32, Sum, communicator, stream));

    /// <summary>Leaves a communicator that is not complete.</summary>
    public void Abort(nint communicator) => _ = _commAbort(communicator);

    /// <summary>Throws what went wrong on the device or the network since.</summary>
    public void CheckWork(nint communicator)
    {
        int code;
        Check("ncclCommGetAsyncError", _commGetAsyncError(communicator, &code));
        Check("ncclAllReduce", code);
    }

    private void Check(string function, int code)
    {
        if (code != Success)
            throw new NcclException($"{function}: {Marshal.PtrToStringUTF8((nint)_getErrorString(code))}");
    }

    // NCCL_UNIQUE_ID_BYTES; passed by value.
    [InlineArray(128)]
    private struct Id
    {
        private byte _first;
    }
}
