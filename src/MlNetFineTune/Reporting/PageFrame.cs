namespace MlNetFineTune.Reporting;

/// <summary>
/// One HTML file without scripts and external resources (a content security policy forbids both), for light and dark colour schemes and for
/// widths from a phone's up.
/// </summary>
internal static class PageFrame
{
    /// <param name="title">Title of the page, plain text.</param>
    /// <param name="content">All between the header and the footer.</param>
    public static string Of(string title, Markup content)
    {
        Markup page = $"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
            <title>{title}</title>
            <style>
            {PageStyle.Sheet}
            </style>
            </head>
            <body>
            <main>
            {content}
            </main>
            </body>
            </html>

            """;
        return page.ToString();
    }
}
