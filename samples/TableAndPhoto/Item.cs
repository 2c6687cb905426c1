namespace TableAndPhoto;

/// <summary>An item with its photo, weight and place.</summary>
internal sealed class Item
{
    public string Label { get; set; } = "";

    public string Photo { get; set; } = "";

    /// <summary>Logarithm of the weight in kilograms; NaN if missing.</summary>
    public float Weight { get; set; }

    /// <summary>The place; empty if missing.</summary>
    public string Place { get; set; } = "";
}
