using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace PhotoDesk;

/// <summary>
/// Reads the files of a multipart request into memory, within limits of size and time. Nothing is written to disk before a file is
/// validated.
/// </summary>
internal sealed class UploadReader(IOptions<PhotoDeskOptions> options, TimeProvider time)
{
    private const int PartSize = 64 << 10;

    private readonly PhotoDeskOptions _options = options.Value;

    /// <returns>Null if the request is not multipart.</returns>
    public static string? BoundaryOf(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            && type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            ? HeaderUtilities.RemoveQuotes(type.Boundary).Value is { Length: > 0 and <= 70 } boundary ? boundary : null // RFC 2046
            : null;

    /// <exception cref="BadHttpRequestException">The request is not multipart, too large, or too slow.</exception>
    /// <exception cref="DeskBusyException">All uploads together would exceed the memory limit.</exception>
    public async Task<IReadOnlyList<UploadedFile>> ReadAsync(
        HttpRequest request, string boundary, UploadMemory.Share memory, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(_options.UploadDeadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        try
        {
            return await ReadAllAsync(request, boundary, memory, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new BadHttpRequestException("The upload takes too long.", StatusCodes.Status408RequestTimeout);
        }
    }

    private async Task<IReadOnlyList<UploadedFile>> ReadAllAsync(
        HttpRequest request, string boundary, UploadMemory.Share memory, CancellationToken cancellation)
    {
        var files = new List<UploadedFile>();
        var sections = new MultipartReader(boundary, request.Body) { HeadersCountLimit = 8, HeadersLengthLimit = 4096 };
        try
        {
            while (await sections.ReadNextSectionAsync(cancellation) is { } section)
            {
                if (section.GetContentDispositionHeader() is not { } disposition || !disposition.IsFileDisposition()
                    || HeaderUtilities.RemoveQuotes(disposition.Name) != "photos")
                    throw new BadHttpRequestException("Only files in the field 'photos' are expected.");
                if (files.Count == _options.LargestUpload)
                    throw new BadHttpRequestException("Too many files.", StatusCodes.Status413PayloadTooLarge);
                var name =
                    FileName.Clean(
                        (HeaderUtilities.RemoveQuotes(disposition.FileNameStar) is { Length: > 0 } star
                        ? star
                        : HeaderUtilities.RemoveQuotes(disposition.FileName)).Value);
                files.Add(new UploadedFile(name, await ReadFileAsync(section.Body, memory, cancellation)));
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException and not BadHttpRequestException)
        {
            throw new BadHttpRequestException("The request ends too early, or is no multipart request.", e);
        }
        return files;
    }

    // In chunks, without copies. A file that is too large is read to its end, to find the next one, but discarded.
    private async Task<byte[]?> ReadFileAsync(Stream body, UploadMemory.Share memory, CancellationToken cancellation)
    {
        var parts = new List<ArraySegment<byte>>();
        var total = 0L;
        var part = new byte[PartSize];
        for (var count = PartSize; count == PartSize;)
        {
            count = await body.ReadAtLeastAsync(part, PartSize, throwOnEndOfStream: false, cancellation);
            total += count;
            if (total <= _options.LargestPhotoBytes)
            {
                memory.Add(count);
                parts.Add(new ArraySegment<byte>(part, 0, count));
                part = new byte[PartSize];
            }
            else
            {
                memory.GiveBack(parts.Sum(kept => kept.Count));
                parts.Clear();
            }
        }
        if (total > _options.LargestPhotoBytes)
            return null;
        var content = new byte[total];
        var at = 0;
        foreach (var kept in parts)
        {
            kept.CopyTo(content, at);
            at += kept.Count;
        }
        return content;
    }
}

/// <param name="Name">The cleaned name.</param>
/// <param name="Content">The content; null if it is too large.</param>
internal sealed record UploadedFile(string Name, byte[]? Content);
