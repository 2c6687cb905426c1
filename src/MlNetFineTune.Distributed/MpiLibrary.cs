using System.Runtime.InteropServices;
using System.Text;

namespace MlNetFineTune.Distributed;

/// <summary>
/// The functions of the MPI library that the group calls, one thread at a time (<c>MPI_THREAD_SERIALIZED</c>). None of them blocks until
/// another process answers but <c>MPI_Init_thread</c>, <c>MPI_Comm_dup</c> and <c>MPI_Finalize</c>: messages are started here, and
/// <see cref="Test"/> asks for their end. A fault is an <see cref="MpiException"/> instead of the end of the process
/// (<c>MPI_ERRORS_RETURN</c>).
/// </summary>
internal sealed unsafe class MpiLibrary
{
    public const string PathVariable = "MLNETFINETUNE_MPI_LIBRARY";

    // MPI_MAX_LIBRARY_VERSION_STRING is 256 in Open MPI and 8192 in MPICH; MPI_MAX_ERROR_STRING at most 1024.
    private const int LongestText = 8192;

    private readonly Lock _lock = new();
    private readonly MpiAbi _abi;
    private readonly delegate* unmanaged[Cdecl]<int*, int> _initialized, _queryThread;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, int, int*, int> _initThread;
    private readonly delegate* unmanaged[Cdecl]<nint, int*, int> _commRank, _commSize;
    private readonly delegate* unmanaged[Cdecl]<nint, nint*, int> _commDup;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, int> _commSetErrhandler;
    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, int, int, nint, nint*, int> _isend, _irecv;
    private readonly delegate* unmanaged[Cdecl]<void*, int, nint, int, nint, nint*, int> _ibcast;
    private readonly delegate* unmanaged[Cdecl]<void*, void*, int, nint, nint, nint, nint*, int> _iallreduce;
    private readonly delegate* unmanaged[Cdecl]<nint*, int*, nint, int> _test;
    private readonly delegate* unmanaged[Cdecl]<int, byte*, int*, int> _errorString;
    private readonly delegate* unmanaged[Cdecl]<nint, int, int> _abort;
    private readonly delegate* unmanaged[Cdecl]<int> _finalize;

    private volatile string? _function;
    private long _calls;
    private nint _group;
    private bool _initializedHere;

    private MpiLibrary(string path, nint handle)
    {
        Path = path;
        Version = ReadVersion(handle);
        Family = FamilyOf(handle, Version) ?? throw new InvalidOperationException(
            $"'{path}' is an MPI library of unknown binary interface: {Version}. Known are Open MPI, MPICH, Intel MPI, MS-MPI, MVAPICH.");
        _abi = Family == MpiFamily.OpenMpi ? new OpenMpiAbi(handle) : new MpichAbi();
        _initialized = (delegate* unmanaged[Cdecl]<int*, int>)NativeLibrary.GetExport(handle, "MPI_Initialized");
        _queryThread = (delegate* unmanaged[Cdecl]<int*, int>)NativeLibrary.GetExport(handle, "MPI_Query_thread");
        _initThread = (delegate* unmanaged[Cdecl]<nint, nint, int, int*, int>)NativeLibrary.GetExport(handle, "MPI_Init_thread");
        _commRank = (delegate* unmanaged[Cdecl]<nint, int*, int>)NativeLibrary.GetExport(handle, "MPI_Comm_rank");
        _commSize = (delegate* unmanaged[Cdecl]<nint, int*, int>)NativeLibrary.GetExport(handle, "MPI_Comm_size");
        _commDup = (delegate* unmanaged[Cdecl]<nint, nint*, int>)NativeLibrary.GetExport(handle, "MPI_Comm_dup");
        _commSetErrhandler = (delegate* unmanaged[Cdecl]<nint, nint, int>)NativeLibrary.GetExport(handle, "MPI_Comm_set_errhandler");
        _isend = (delegate* unmanaged[Cdecl]<void*, int, nint, int, int, nint, nint*, int>)NativeLibrary.GetExport(handle, "MPI_Isend");
        _irecv = (delegate* unmanaged[Cdecl]<void*, int, nint, int, int, nint, nint*, int>)NativeLibrary.GetExport(handle, "MPI_Irecv");
        _ibcast = (delegate* unmanaged[Cdecl]<void*, int, nint, int, nint, nint*, int>)NativeLibrary.GetExport(handle, "MPI_Ibcast");
        _iallreduce = (delegate* unmanaged[Cdecl]<void*, void*, int, nint, nint, nint, nint*, int>)
            NativeLibrary.GetExport(handle, "MPI_Iallreduce");
        _test = (delegate* unmanaged[Cdecl]<nint*, int*, nint, int>)NativeLibrary.GetExport(handle, "MPI_Test");
        _errorString = (delegate* unmanaged[Cdecl]<int, byte*, int*, int>)NativeLibrary.GetExport(handle, "MPI_Error_string");
        _abort = (delegate* unmanaged[Cdecl]<nint, int, int>)NativeLibrary.GetExport(handle, "MPI_Abort");
        _finalize = (delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(handle, "MPI_Finalize");
    }

    /// <summary>The name by which it was loaded.</summary>
    public string Path { get; }

    /// <summary>Its first line about itself.</summary>
    public string Version { get; }

    public MpiFamily Family { get; }

    public int Rank { get; private set; }

    public int Size { get; private set; }

    /// <summary>The only thread that may call, where the library does not serve several; 0 where any may.</summary>
    public int OnlyThread { get; private set; }

    /// <summary>The function that runs, null where none does, and how many have run: what the watchdog looks at.</summary>
    public (string? Function, long Calls) Running => (_function, Interlocked.Read(ref _calls));

    /// <exception cref="InvalidOperationException">There is none, or none for the launcher.</exception>
    public static MpiLibrary Load(string? chosen, Launcher launcher)
    {
        chosen ??= Environment.GetEnvironmentVariable(PathVariable) is { Length: > 0 } path ? path : null;
        string[] names = chosen is null ? MpiLibraryNames.For(launcher.Family, launcher.MpichFirst) : [chosen];
        var found = new List<string>();
        foreach (var name in names)
        {
            nint handle;
            try
            {
                handle = NativeLibrary.Load(name);
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
            {
                // The loader's own words: a library that it lacks is not this one.
                found.Add($"'{name}' does not load: {e.Message.ReplaceLineEndings(" ").Trim().TrimEnd('.')}");
                continue;
            }
            if (!NativeLibrary.TryGetExport(handle, "MPI_Get_library_version", out _))
            {
                found.Add($"'{name}' is not an MPI 3 library");
                continue;
            }
            var library = new MpiLibrary(name, handle);
            // The user's choice is not judged by its name: launchers of one family start the other (srun --mpi=pmi2 Open MPI). What does
            // not belong together counts one process, which is an error later.
            if (chosen is not null || launcher.Family is null || launcher.Family == library.Family)
                return library;
            found.Add($"'{name}' is {library.Version}, which is not the library of that launcher");
        }
        throw new InvalidOperationException(
            $"{launcher.Name} has started {(launcher.Size is { } size ? $"{size} " : "")}processes ({launcher.SizeVariable} is set), "
            + $"but no MPI library for it was loaded, and without one each would train alone. Tried: {string.Join(", ", names)}."
            + $"{string.Concat(found.Select(one => $" {one}."))} {launcher.Advice} MpiOptions.Library or {PathVariable} names another "
            + "library.");
    }

    /// <summary>Initialises MPI where that has not been done, with errors that return, and a communicator for the group alone.</summary>
    public void Initialize()
    {
        int flag, provided;
        Begin("MPI_Initialized");
        End(_initialized(&flag));
        if (flag == 0)
        {
            Begin("MPI_Init_thread");
            End(_initThread(0, 0, MpiAbi.Serialized, &provided));
            _initializedHere = true;
        }
        else
        {
            Begin("MPI_Query_thread");
            End(_queryThread(&provided));
        }
        OnlyThread = provided >= MpiAbi.Serialized ? 0 : Environment.CurrentManagedThreadId;
        Begin("MPI_Comm_set_errhandler");
        End(_commSetErrhandler(_abi.World, _abi.ErrorsReturn));
        nint group = 0;
        Begin("MPI_Comm_dup");
        End(_commDup(_abi.World, &group));
        _group = group;
        Begin("MPI_Comm_set_errhandler");
        End(_commSetErrhandler(_group, _abi.ErrorsReturn));
        int rank, size;
        Begin("MPI_Comm_rank");
        End(_commRank(_group, &rank));
        Begin("MPI_Comm_size");
        End(_commSize(_group, &size));
        (Rank, Size) = (rank, size);
    }

    public nint StartSend(void* data, int bytes, int to)
    {
        nint request = 0;
        Begin("MPI_Isend");
        End(_isend(data, bytes, _abi.Byte, to, 0, _group, &request));
        return request;
    }

    public nint StartReceive(void* data, int bytes, int from)
    {
        nint request = 0;
        Begin("MPI_Irecv");
        End(_irecv(data, bytes, _abi.Byte, from, 0, _group, &request));
        return request;
    }

    public nint StartBroadcast(void* data, int bytes, int from)
    {
        nint request = 0;
        Begin("MPI_Ibcast");
        End(_ibcast(data, bytes, _abi.Byte, from, _group, &request));
        return request;
    }

    /// <param name="terms">This process's numbers; null where they are in <paramref name="sums"/>.</param>
    /// <param name="sums">The sums, later.</param>
    /// <param name="count">Numbers.</param>
    /// <param name="doubles">Whether they are doubles, and not floats.</param>
    public nint StartSum(void* terms, void* sums, int count, bool doubles)
    {
        nint request = 0;
        Begin("MPI_Iallreduce");
        End(_iallreduce(terms is null ? (void*)_abi.InPlace : terms, sums, count, doubles ? _abi.Double : _abi.Float, _abi.Sum, _group,
            &request));
        return request;
    }

    /// <summary>Whether a message is complete. Lets all messages progress: Open MPI has no thread for it.</summary>
    public bool Test(ref nint request)
    {
        int complete;
        var handle = request;
        Begin("MPI_Test");
        End(_test(&handle, &complete, _abi.IgnoredStatus));
        request = handle;
        return complete != 0;
    }

    /// <summary>Ends MPI, if it was begun here. Waits for all other processes.</summary>
    public void FinalizeMpi()
    {
        if (!_initializedHere)
            return;
        Begin("MPI_Finalize");
        End(_finalize());
    }

    /// <summary>Ends all processes, this one too. Returns where another thread is inside the library for longer than a limit.</summary>
    public void Abort(int exitCode, TimeSpan limit)
    {
        if (!_lock.TryEnter(limit))
            return;
        _ = _abort(_abi.World, exitCode);
        _lock.Exit();
    }

    private static string ReadVersion(nint handle)
    {
        var read = (delegate* unmanaged[Cdecl]<byte*, int*, int>)NativeLibrary.GetExport(handle, "MPI_Get_library_version");
        var text = stackalloc byte[LongestText];
        int length;
        return read(text, &length) == MpiAbi.Success
            ? Encoding.UTF8.GetString(text, Math.Clamp(length, 0, LongestText)).TrimEnd('\0').ReplaceLineEndings("\n").Split('\n')[0].Trim()
            : "unknown";
    }

    private static MpiFamily? FamilyOf(nint handle, string version)
    {
        string[] mpich = ["MPICH", "Intel(R) MPI", "Microsoft MPI", "MVAPICH"];
        return NativeLibrary.TryGetExport(handle, OpenMpiAbi.WorldExport, out _) ? MpiFamily.OpenMpi
            : mpich.Any(name => version.Contains(name, StringComparison.OrdinalIgnoreCase)) ? MpiFamily.Mpich
            : null;
    }

    private void Begin(string function)
    {
        _lock.Enter();
        _function = function;
    }

    private void End(int code)
    {
        var function = _function;
        var fault = code == MpiAbi.Success ? null : Text(code);
        _function = null;
        Interlocked.Increment(ref _calls);
        _lock.Exit();
        if (fault is not null)
            throw new MpiException($"{function}: {fault}");
    }

    private string Text(int code)
    {
        var text = stackalloc byte[LongestText];
        int length;
        return _errorString(code, text, &length) == MpiAbi.Success
            ? Encoding.UTF8.GetString(text, Math.Clamp(length, 0, LongestText)).TrimEnd('\0')
            : $"error {code}";
    }
}
