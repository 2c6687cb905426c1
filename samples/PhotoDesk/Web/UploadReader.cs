using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace PhotoDesk;

/// <summary>Reads the files of a multipart request one after another, into memory and within limits. Nothing of an upload touches the disk before it is a photo.</summary>
internal sealed class UploadReader(IOptions<PhotoDeskOptions> options)
{
    private readonly PhotoDeskOptions _options = options.Value;

    /// <returns>Null where the request is none of files.</returns>
    public static string? BoundaryOf(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            ? HeaderUtilities.RemoveQuotes(type.Boundary).Value is { Length: > 0 and <= 70 } boundary ? boundary : null // RFC 2046
            : null;

    /// <exception cref="BadHttpRequestException">It is no multipart request, or too large.</exception>
    public async Task<IReadOnlyList<UploadedFile>> ReadAsync(HttpRequest request, string boundary, CancellationToken cancellation)
    {
        var files = new List<UploadedFile>();
        var sections = new MultipartReader(boundary, request.Body) { HeadersCountLimit = 8, HeadersLengthLimit = 4096 };
        try
        {
            while (await sections.ReadNextSectionAsync(cancellation) is { } section)
            {
                if (section.GetContentDispositionHeader() is not { } disposition || !disposition.IsFileDisposition() || HeaderUtilities.RemoveQuotes(disposition.Name) != "photos")
                    throw new BadHttpRequestException("Only files in the field 'photos' are expected.");
                if (files.Count == _options.LargestUpload)
                    throw new BadHttpRequestException("Too many files.", StatusCodes.Status413PayloadTooLarge);
                var name = FileName.Clean((HeaderUtilities.RemoveQuotes(disposition.FileNameStar) is { Length: > 0 } star ? star : HeaderUtilities.RemoveQuotes(disposition.FileName)).Value);
                files.Add(new UploadedFile(name, await ReadAsync(section.Body, cancellation)));
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException and not BadHttpRequestException)
        {
            throw new BadHttpRequestException("The request ends too early, or is no multipart request.", e);
        }
        return files;
    }

    // A file that is too large is read to its end, so that those after it are found, but not kept.
    private async Task<byte[]?> ReadAsync(Stream body, CancellationToken cancellation)
    {
        using var content = new MemoryStream();
        var buffer = new byte[16 << 10];
        var total = 0L;
        for (int count; (count = await body.ReadAsync(buffer, cancellation)) > 0;)
        {
            total += count;
            if (total <= _options.LargestPhotoBytes)
                content.Write(buffer, 0, count);
        }
        return total <= _options.LargestPhotoBytes ? content.ToArray() : null;
    }
}

/// <param name="Name">Cleaned.</param>
/// <param name="Content">Null where it is too large.</param>
internal sealed record UploadedFile(string Name, byte[]? Content);
