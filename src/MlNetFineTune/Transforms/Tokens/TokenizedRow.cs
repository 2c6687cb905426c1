using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Tokenizers;

namespace MlNetFineTune.Transforms;

/// <summary>The pieces of a cursor's current row, encoded once for all columns.</summary>
/// <param name="row">The cursor.</param>
/// <param name="texts">Encodes the rows.</param>
internal sealed class TokenizedRow(DataViewRow row, TextInput texts)
{
    private readonly Func<(ReadOnlyMemory<char> First, ReadOnlyMemory<char> Second)> _next = texts.Columns.Reader(row);
    private readonly List<TextPiece> _pieces = [];
    private long _position = -1;
    private int _secondStart;
    private string? _reason;

    /// <summary>The pieces with special tokens; none if the row cannot be used.</summary>
    public List<TextPiece> Pieces
    {
        get
        {
            Update();
            return _pieces;
        }
    }

    /// <summary>Position from which the pieces belong to the second text.</summary>
    public int SecondStart
    {
        get
        {
            Update();
            return _secondStart;
        }
    }

    /// <summary>The reason why the row cannot be used; null if it can.</summary>
    public string? Reason
    {
        get
        {
            Update();
            return _reason;
        }
    }

    private void Update()
    {
        if (_position == row.Position && _position >= 0)
            return;
        _position = -1;
        _pieces.Clear();
        var (first, second) = _next();
        _reason = texts.Rows.Encode(first.Span, second.Span, _pieces, out _secondStart, out _);
        _position = row.Position;
    }
}
