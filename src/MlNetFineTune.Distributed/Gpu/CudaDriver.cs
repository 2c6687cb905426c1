using System.Runtime.InteropServices;

namespace MlNetFineTune.Distributed;

/// <summary>
/// The functions of the CUDA driver that order work between streams. They act on a device's primary context, which is that of libtorch.
/// </summary>
internal sealed unsafe class CudaDriver
{
    public const string Name = "libcuda.so.1";

    // cuda.h
    private const int Success = 0, NotReady = 600;
    private const uint NonBlocking = 1, WithoutTiming = 2;

    private readonly delegate* unmanaged[Cdecl]<int*, int, int> _deviceGet;
    private readonly delegate* unmanaged[Cdecl]<nint*, int, int> _primaryContextRetain;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _contextPush;
    private readonly delegate* unmanaged[Cdecl]<nint*, int> _contextPop;
    private readonly delegate* unmanaged[Cdecl]<nint*, uint, int> _streamCreate, _eventCreate;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, int> _eventRecord;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, uint, int> _streamWaitEvent;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _eventQuery, _eventDestroy;

    private CudaDriver(nint handle)
    {
        _deviceGet = (delegate* unmanaged[Cdecl]<int*, int, int>)Export("cuDeviceGet");
        _primaryContextRetain = (delegate* unmanaged[Cdecl]<nint*, int, int>)Export("cuDevicePrimaryCtxRetain");
        _contextPush = (delegate* unmanaged[Cdecl]<nint, int>)Export("cuCtxPushCurrent_v2");
        _contextPop = (delegate* unmanaged[Cdecl]<nint*, int>)Export("cuCtxPopCurrent_v2");
        _streamCreate = (delegate* unmanaged[Cdecl]<nint*, uint, int>)Export("cuStreamCreate");
        _eventCreate = (delegate* unmanaged[Cdecl]<nint*, uint, int>)Export("cuEventCreate");
        _eventRecord = (delegate* unmanaged[Cdecl]<nint, nint, int>)Export("cuEventRecord");
        _streamWaitEvent = (delegate* unmanaged[Cdecl]<nint, nint, uint, int>)Export("cuStreamWaitEvent");
        _eventQuery = (delegate* unmanaged[Cdecl]<nint, int>)Export("cuEventQuery");
        _eventDestroy = (delegate* unmanaged[Cdecl]<nint, int>)Export("cuEventDestroy_v2");

        nint Export(string name) => NativeLibrary.GetExport(handle, name);
    }

    /// <exception cref="DllNotFoundException">There is no driver.</exception>
    /// <exception cref="EntryPointNotFoundException">It lacks a function.</exception>
    public static CudaDriver Load() => new(NativeLibrary.Load(Name));

    /// <summary>The primary context of a device, kept until the process ends.</summary>
    public nint Context(int device)
    {
        int handle;
        Check("cuDeviceGet", _deviceGet(&handle, device));
        nint context;
        Check("cuDevicePrimaryCtxRetain", _primaryContextRetain(&context, handle));
        return context;
    }

    /// <summary>Makes a context that of this thread until it is disposed; libtorch restores its own after each of its calls.</summary>
    public Current Enter(nint context)
    {
        Check("cuCtxPushCurrent", _contextPush(context));
        return new Current(this);
    }

    /// <summary>A stream that does not wait for the default one, in the context of this thread.</summary>
    public nint CreateStream()
    {
        nint stream;
        Check("cuStreamCreate", _streamCreate(&stream, NonBlocking));
        return stream;
    }

    /// <summary>An event after all that a stream has been given up to now.</summary>
    /// <param name="stream">A stream; 0 is the default one, on which libtorch computes.</param>
    public nint Record(nint stream)
    {
        nint marker;
        Check("cuEventCreate", _eventCreate(&marker, WithoutTiming));
        Check("cuEventRecord", _eventRecord(marker, stream));
        return marker;
    }

    /// <summary>What a stream is given from now on begins after an event. The host does not wait.</summary>
    public void Wait(nint stream, nint marker) => Check("cuStreamWaitEvent", _streamWaitEvent(stream, marker, 0));

    public bool HasHappened(nint marker)
    {
        var code = _eventQuery(marker);
        if (code != NotReady)
            Check("cuEventQuery", code);
        return code == Success;
    }

    public void Destroy(nint marker) => Check("cuEventDestroy", _eventDestroy(marker));

    private static void Check(string function, int code)
    {
        if (code != Success)
            throw new NcclException($"{function}: CUDA error {code}");
    }

    /// <summary>The time in which a thread has the context.</summary>
    public readonly ref struct Current(CudaDriver driver)
    {
        public void Dispose()
        {
            nint context;
            _ = driver._contextPop(&context);
        }
    }
}
