namespace TableAndPhoto;

/// <summary>A thing that was photographed and weighed, and where it was found.</summary>
internal sealed class Item
{
    public string Label { get; set; } = "";

    public string Photo { get; set; } = "";

    /// <summary>Logarithm of kilograms; NaN where nobody weighed it.</summary>
    public float Weight { get; set; }

    /// <summary>Empty where nobody said.</summary>
    public string Place { get; set; } = "";
}
