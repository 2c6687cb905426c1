using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Data;

/// <summary>
/// The paths or bytes that <c>AugmentImages</c> decoded to a column of images: a column of the same name, directly before it and hidden by
/// it. A trainer that reads them decodes as without the transform (JPEGs at a fraction of their size), stores no pixels and knows why a
/// picture cannot be read. A transform that makes the images anew hides both, and a copy of the images has none before it.
/// </summary>
internal static class DecodedFrom
{
    private const string Kind = "MlNetFineTune.DecodedFrom";

    /// <summary>Marks the column before the images.</summary>
    /// <param name="folder">Of relative paths; null for the current directory.</param>
    public static DataViewSchema.Annotations Mark(string? folder)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        builder.Add(Kind, TextDataViewType.Instance, (ref ReadOnlyMemory<char> value) => value = folder.AsMemory());
        return builder.ToAnnotations();
    }

    /// <param name="schema">Of the rows.</param>
    /// <param name="image">One of its columns.</param>
    /// <returns>The column of paths or bytes, and the folder of relative paths; null where there is none.</returns>
    public static (DataViewSchema.Column Column, string? Folder)? Find(DataViewSchema schema, DataViewSchema.Column image)
    {
        if (image.Index == 0 || schema[image.Index - 1] is var column && column.Name != image.Name
            || column.Annotations.Schema.GetColumnOrNull(Kind) is null)
            return null;
        ReadOnlyMemory<char> folder = default;
        column.Annotations.GetValue(Kind, ref folder);
        return (column, folder.IsEmpty ? null : folder.ToString());
    }
}
