using System.CommandLine;

namespace MlNetFineTune.Tool;

/// <summary>The options that name columns of a CSV or TSV file.</summary>
internal sealed class ColumnOptions
{
    private readonly Option<string?> _label = Named("--label", "Column of the classes in a file. Default: Label.");
    private readonly Option<string?> _image = Named("--image", "Column of the photos' paths in a file. Default: ImagePath.");
    private readonly Option<string?> _text = Named("--text", "Column of the texts in a file. Default: Text.");

    public void AddTo(Command command)
    {
        command.Options.Add(_label);
        command.Options.Add(_image);
        command.Options.Add(_text);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_image) is not null && result.GetResult(_text) is not null)
                result.AddError("--image and --text both say what the rows are: take one of them.");
        });
    }

    public ColumnNames Of(ParseResult parsed) => new(parsed.GetValue(_label), parsed.GetValue(_image), parsed.GetValue(_text));

    private static Option<string?> Named(string name, string description) => new(name) { Description = description, HelpName = "COLUMN" };
}
