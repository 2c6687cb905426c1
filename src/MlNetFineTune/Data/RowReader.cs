using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>The inputs of some rows, stored at numbered places on the cursor's thread and encoded on any thread.</summary>
internal abstract class RowReader : IDisposable
{
    /// <summary>Bytes of a row.</summary>
    public abstract int Length { get; }

    /// <summary>Noun for a row in messages: picture or row.</summary>
    public abstract string Noun { get; }

    /// <summary>Stores the current row's inputs at a place.</summary>
    public abstract void Take(int place);

    /// <returns>Null, or the reason why the row cannot be used.</returns>
    public abstract string? Encode(int place, Augmentation view, Span<byte> output);

    /// <summary>Content hash of the row in a place, equal for equal pictures; null if rows have none.</summary>
    public virtual ContentHash? ContentOf(int place) => null;

    /// <summary>Whether the row has no picture, as opposed to an unreadable one.</summary>
    public virtual bool IsMissing(int place) => false;

    /// <summary>Whether a part of the row at a place was left out when it was last encoded, since it was too long.</summary>
    public virtual bool IsCut(int place) => false;

    /// <summary>The text in which the answer of the row at a place is found; empty if the task seeks none.</summary>
    public virtual ReadOnlyMemory<char> ContextOf(int place) => default;

    /// <summary>Whether the picture is so large that it is encoded and released at once, to limit the memory of a batch.</summary>
    public virtual bool IsLarge(int place) => false;

    /// <summary>Releases the memory of the row at a place, which is not encoded again.</summary>
    public virtual void Release(int place)
    {
    }

    /// <summary>Text for this row in a message.</summary>
    public abstract string Describe(int place);

    /// <summary>Releases all memory. Nothing is encoded after that.</summary>
    public virtual void Dispose()
    {
    }
}
