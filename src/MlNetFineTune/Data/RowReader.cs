using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>The inputs of some rows, taken on the cursor's thread into places and encoded on any.</summary>
internal abstract class RowReader : IDisposable
{
    /// <summary>Bytes of a row.</summary>
    public abstract int Length { get; }

    /// <summary>What to call a row in messages: a picture, a row.</summary>
    public abstract string Noun { get; }

    /// <summary>Takes the present row's inputs into a place.</summary>
    public abstract void Take(int place);

    /// <returns>Null, or the reason why the row cannot be used.</returns>
    public abstract string? Encode(int place, Augmentation view, Span<byte> output);

    /// <summary>Content hash of the row in a place, equal for equal pictures; null where it has none, or is of another kind.</summary>
    public virtual ContentHash? ContentOf(int place) => null;

    /// <summary>Whether the row names no picture at all.</summary>
    public virtual bool IsMissing(int place) => false;

    /// <summary>Whether the picture of a row takes so much memory that a batch of such pictures would be too large:
    /// then it is encoded and released at once.</summary>
    public virtual bool IsLarge(int place) => false;

    /// <summary>Gives back what the row in a place holds. It is not encoded again.</summary>
    public virtual void Release(int place)
    {
    }

    /// <summary>What to call this row in a message.</summary>
    public abstract string Describe(int place);

    /// <summary>Gives back what it holds. Nothing is encoded after that.</summary>
    public virtual void Dispose()
    {
    }
}
