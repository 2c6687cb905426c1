namespace MlNetFineTune.Reporting;

/// <summary>
/// Limits of MLflow's REST API (https://mlflow.org/docs/latest/rest-api.html), those of its earlier versions where they were lower, so that
/// every server takes what is sent.
/// </summary>
internal static class MlflowText
{
    public const int MostMetrics = 1000;
    public const int MostParameters = 100;
    public const int MostTags = 100;

    private const int LongestKey = 250;
    private const int LongestParameter = 500; // 6000 since version 2.8
    private const int LongestTag = 5000;
    private const int LongestName = 250;

    public static string Name(string name) => Cut(name, LongestName);

    public static string Parameter(string value) => Cut(value, LongestParameter);

    public static string Tag(string value) => Cut(value, LongestTag);

    public static bool IsCut(string parameter) => parameter.Length > LongestParameter;

    /// <summary>
    /// A key has letters, digits, underscores, dashes, periods, spaces and slashes, and is a normal relative path.
    /// </summary>
    public static string Key(string key)
    {
        var allowed = string.Concat(key.Select(c => char.IsLetterOrDigit(c) || c is '_' or '-' or '.' or ' ' or '/' ? c : '_'));
        var path = string.Join('/', allowed.Split('/').Where(part => part is not ("" or "." or "..")));
        return path.Length == 0 ? "_" : path.Length <= LongestKey ? path : path[..LongestKey].TrimEnd('/');
    }

    private static string Cut(string text, int limit)
    {
        const string more = "...";
        if (text.Length <= limit)
            return text;
        var end = limit - more.Length;
        return text[..(char.IsHighSurrogate(text[end - 1]) ? end - 1 : end)] + more;
    }
}
