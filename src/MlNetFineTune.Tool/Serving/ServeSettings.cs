namespace MlNetFineTune.Tool;

/// <summary>Address and limits of a server.</summary>
/// <param name="Url">The address, with http.</param>
/// <param name="LargestBody">Bytes of a request.</param>
/// <param name="Queue">Requests that wait; further ones are refused.</param>
internal sealed record ServeSettings(Uri Url, long LargestBody, int Queue);
