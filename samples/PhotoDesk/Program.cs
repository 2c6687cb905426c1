using PhotoDesk;

// Without arguments: a desk at http://127.0.0.1:5080. --urls, --data FOLDER, and every option of PhotoDeskOptions.cs can be said.
return args switch
{
    ["first-model", var path] => FirstModel.Make(path),
    _ => await Serve(args),
};

static async Task<int> Serve(string[] args)
{
    try
    {
        await using var app = PhotoDeskApp.Build(args);
        await app.RunAsync();
        return 0;
    }
    catch (Exception e) when (e is InvalidOperationException or InvalidDataException or IOException or UnauthorizedAccessException or Microsoft.Extensions.Options.OptionsValidationException)
    {
        Console.Error.WriteLine(e.Message);
        return 1;
    }
}
