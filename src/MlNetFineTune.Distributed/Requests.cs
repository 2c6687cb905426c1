namespace MlNetFineTune.Distributed;

/// <summary>Messages that are under way.</summary>
internal sealed class Requests(MpiLibrary library)
{
    private readonly List<nint> _open = [];

    public void Add(nint request) => _open.Add(request);

    /// <summary>Whether all are complete.</summary>
    public bool Test()
    {
        for (var i = _open.Count - 1; i >= 0; i--)
        {
            var request = _open[i];
            if (library.Test(ref request))
                _open.RemoveAt(i);
        }
        return _open.Count == 0;
    }
}
