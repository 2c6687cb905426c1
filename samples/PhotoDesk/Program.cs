using Microsoft.Extensions.Options;
using PhotoDesk;

// Without arguments: a desk at http://127.0.0.1:5080. Options: --urls, --data FOLDER, and all of PhotoDeskOptions.cs.
try
{
    switch (args)
    {
        case ["--smoke"]:
            return await SmokeRun.RunAsync();
        case ["load", .. var load]:
            return await LoadRun.RunAsync(load);
        case ["hash-password", var name]:
            return PasswordHash.Write(name, Console.In, Console.Out);
        case ["first-model", var path]:
            return FirstModel.Make(path);
        default:
            await using (var app = PhotoDeskApp.Build(args))
                await app.RunAsync();
            return 0;
    }
}
catch (Exception e) when (e is ArgumentException or HttpRequestException or InvalidDataException or InvalidOperationException or IOException
    or OperationCanceledException or OptionsValidationException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
