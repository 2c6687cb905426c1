using System.CommandLine;
using System.CommandLine.Parsing;

namespace MlNetFineTune.Tool;

/// <summary><c>finetune serve</c>.</summary>
internal static class ServeCommand
{
    private const int DefaultMebibytes = 10, DefaultQueue = 256;

    public static Command Create()
    {
        Argument<FileInfo> model = CommonOptions.Model();
        var url = new Option<Uri?>("--url")
        {
            Description = "The address, http only, with an IP address or localhost. One that other machines reach, such as "
                + "http://0.0.0.0:8080, belongs behind a proxy with TLS and sign-in. "
                + "Port 0 takes a free one. Default: http://127.0.0.1:5000.",
            HelpName = "URL",
            CustomParser = ParseUrl,
        };
        var largest = new Option<int?>("--max-mib")
        {
            Description = $"Largest request in MiB. Default: {DefaultMebibytes}.",
            HelpName = "N",
            CustomParser = OptionParsers.ParseCount,
        };
        var queue = new Option<int?>("--queue")
        {
            Description = $"Requests that wait for the model; further ones are answered with 503. Default: {DefaultQueue}.",
            HelpName = "N",
            CustomParser = OptionParsers.ParseCount,
        };
        Option<bool> json = CommonOptions.Json("the addresses as a JSON document, once requests are answered,");
        var command = new Command("serve",
            "Answers requests over HTTP: POST /predict with a photo or a text as body gives the class and the probabilities as JSON; GET "
            + "/health tells that the server is well. Concurrent requests are computed in batches. Ctrl-C ends it.")
        {
            model, url, largest, queue, json,
        };
        command.SetAction(parsed =>
        {
            bool isForPrograms = parsed.GetValue(json);
            if (isForPrograms)
                JsonOutput.Begin();
            using Classifier classifier = Classifier.Open(ToolContext.Create(), parsed.GetRequiredValue(model).FullName);
            var settings = new ServeSettings(
                parsed.GetValue(url) ?? new Uri("http://127.0.0.1:5000"), (long)(parsed.GetValue(largest) ?? DefaultMebibytes) << 20,
                parsed.GetValue(queue) ?? DefaultQueue);
            PredictionServer.RunAsync(classifier, settings, addresses =>
            {
                Screen.Line($"Serving {string.Join(", ", addresses)}: POST /predict, GET /health");
                if (isForPrograms)
                    JsonOutput.Write(new Listening(addresses));
            }).GetAwaiter().GetResult();
            return CommandRun.Done;
        });
        return command;
    }

    // Kestrel would listen on every interface for the name of another host.
    private static Uri? ParseUrl(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        if (Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme == Uri.UriSchemeHttp
            && (url.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6 || url.Host == "localhost")
            && url is { UserInfo: "", PathAndQuery: "/", Fragment: "" })
        {
            return url;
        }
        return OptionParsers.Refuse<Uri>(
            result, $"--url {text}: it must be an address such as http://127.0.0.1:5000, with an IP address or localhost, and without a "
                + "user, a path or a query.");
    }

    private sealed record Listening(IReadOnlyCollection<string> Urls);
}
