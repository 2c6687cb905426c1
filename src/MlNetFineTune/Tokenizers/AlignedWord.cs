using System.Buffers;
using System.Text;

namespace MlNetFineTune.Tokenizers;

/// <summary>
/// A normalized word under construction, and for each of its UTF-16 units the range of the user's text that it came from.
/// </summary>
/// <param name="units">Space for twice the maximum number of code points: units of the word.</param>
/// <param name="starts">Space of the same length: starts of the ranges.</param>
/// <param name="ends">Space of the same length: ends of the ranges.</param>
/// <param name="maximum">Maximum number of code points.</param>
internal ref struct AlignedWord(Span<char> units, Span<int> starts, Span<int> ends, int maximum)
{
    private readonly Span<char> _units = units;
    private readonly Span<int> _starts = starts;
    private readonly Span<int> _ends = ends;
    private int _length;
    private int _codePoints;
    private int _orderedFrom;

    public readonly ReadOnlySpan<char> Text => _units[.._length];

    /// <summary>Whether it has more code points than the maximum. Those are not kept.</summary>
    public readonly bool IsTooLong => _codePoints > maximum;

    public readonly bool IsEmpty => _codePoints == 0;

    public int Start { get; private set; }

    public int End { get; private set; }

    public void Clear() => _length = _codePoints = _orderedFrom = 0;

    public void Append(Rune rune, int start, int end)
    {
        if (MakeRoom(_length, rune, start, end))
            Write(_length - rune.Utf16SequenceLength, rune, start, end);
    }

    public void Append(ReadOnlySpan<char> text, int start, int end)
    {
        foreach (var rune in text.EnumerateRunes())
            Append(rune, start, end);
    }

    /// <summary>Appends a mark and moves it to its place in canonical order. The marks that change places share one range.</summary>
    public void AppendOrdered(Rune mark, int start, int end)
    {
        var at = _length;
        while (at > _orderedFrom && Rune.DecodeLastFromUtf16(_units[..at], out var before, out var length) == OperationStatus.Done
            && BertCharacters.Swaps(before, mark))
            at -= length;
        var isMoved = at < _length;
        if (!MakeRoom(at, mark, start, end))
            return;
        Write(at, mark, start, end);
        if (isMoved)
        {
            _starts[at.._length].Fill(_starts[at + mark.Utf16SequenceLength]);
            _ends[at.._length].Fill(end);
        }
    }

    /// <summary>An accent was left out across which no mark moves.</summary>
    public void StopOrdering() => _orderedFrom = _length;

    /// <summary>Lets the last character end later: an accent after it was left out, and belongs to it.</summary>
    public void ExtendTo(int end)
    {
        if (IsEmpty)
            return;
        End = end;
        if (IsTooLong)
            return;
        var last = _ends[_length - 1];
        for (var i = _length - 1; i >= 0 && _ends[i] == last; i--)
            _ends[i] = end;
    }

    public readonly TextPiece Align(TextPiece piece)
    {
        var (start, end) = (_starts[piece.Start], _ends[piece.End - 1]);
        return new TextPiece(piece.Id, start, end);
    }

    private bool MakeRoom(int at, Rune rune, int start, int end)
    {
        Start = IsEmpty ? start : Math.Min(Start, start);
        End = IsEmpty ? end : Math.Max(End, end);
        if (++_codePoints > maximum)
            return false;
        var length = rune.Utf16SequenceLength;
        _units[at.._length].CopyTo(_units[(at + length)..]);
        _starts[at.._length].CopyTo(_starts[(at + length)..]);
        _ends[at.._length].CopyTo(_ends[(at + length)..]);
        _length += length;
        return true;
    }

    private readonly void Write(int at, Rune rune, int start, int end)
    {
        var length = rune.EncodeToUtf16(_units[at..]);
        _starts.Slice(at, length).Fill(start);
        _ends.Slice(at, length).Fill(end);
    }
}
