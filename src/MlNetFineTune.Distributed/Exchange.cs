using System.Runtime.InteropServices;

namespace MlNetFineTune.Distributed;

/// <summary>
/// The beginning of every operation: each process sends a <see cref="Notice"/> to each other one. So it is known who is missing, whether
/// all do the same, and who has failed, which a collective of MPI does not say. Each process sends 512 bytes to every other, which is
/// meant for groups of up to some hundred.
/// </summary>
internal sealed unsafe class Exchange : IDisposable
{
    private readonly Peers _peers;
    private readonly MpiLibrary _library;
    private readonly Requests _sent;
    private readonly nint[] _received;
    private readonly Notice* _notices;
    private int _missing;

    /// <param name="peers">Hear what has arrived.</param>
    /// <param name="library">Carries the messages.</param>
    /// <param name="own">What this process does.</param>
    public Exchange(Peers peers, MpiLibrary library, in Notice own)
        : this(peers, library)
    {
        Own = own;
        for (var rank = 0; rank < library.Size; rank++)
            Receive(rank);
        for (var rank = 0; rank < library.Size; rank++)
        {
            if (rank != library.Rank)
                _sent.Add(library.StartSend(_notices + library.Rank, sizeof(Notice), rank));
        }
    }

    private Exchange(Peers peers, MpiLibrary library)
    {
        (_peers, _library, _sent, _received) = (peers, library, new Requests(library), new nint[library.Size]);
        _notices = (Notice*)NativeMemory.AllocZeroed((nuint)library.Size, (nuint)sizeof(Notice));
    }

    public ref Notice this[int rank] => ref _notices[rank];

    /// <summary>What this process does.</summary>
    public ref Notice Own => ref _notices[_library.Rank];

    /// <summary>The processes that have not come yet.</summary>
    public IEnumerable<int> Missing => Enumerable.Range(0, _library.Size).Where(Expects);

    /// <summary>Receives the next notice of one process and sends none.</summary>
    public static Exchange Listen(Peers peers, MpiLibrary library, int rank)
    {
        var listening = new Exchange(peers, library);
        listening.Receive(rank);
        return listening;
    }

    /// <summary>Whether a process has not come yet.</summary>
    public bool Expects(int rank) => _received[rank] != 0;

    /// <summary>Whether all are here and do the same.</summary>
    /// <exception cref="ProcessGroupException">One has failed, or does something else.</exception>
    public bool Test()
    {
        for (var rank = 0; rank < _library.Size && _missing > 0; rank++)
        {
            // Handles are not zero: that of a complete message becomes MPI_REQUEST_NULL, and is then forgotten.
            if (_received[rank] == 0 || !_library.Test(ref _received[rank]))
                continue;
            _received[rank] = 0;
            _missing--;
            _peers.Hear(rank, Own, _notices[rank]);
        }
        return _sent.Test() && _missing == 0;
    }

    /// <summary>Only when it is complete: until then MPI writes there.</summary>
    public void Dispose()
    {
        _peers.Forget(this);
        NativeMemory.Free(_notices);
    }

    private void Receive(int rank)
    {
        if (rank == _library.Rank)
            return;
        _received[rank] = _library.StartReceive(_notices + rank, sizeof(Notice), rank);
        _missing++;
    }
}
