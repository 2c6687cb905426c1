using System.CommandLine;
using Microsoft.ML;
using MlNetFineTune.Onnx;

namespace MlNetFineTune.Tool;

/// <summary><c>finetune export</c>.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        Argument<FileInfo> model = CommonOptions.Model();
        var output = new Argument<FileInfo>("output") { Description = "The ONNX file. An existing one is replaced after the comparison." };
        var bits = new Option<int>("--bits")
        {
            Description = "Bits of a weight: 32, 16 (half the size, nearly the same scores) or 8 (a quarter; evaluate before use).",
            HelpName = "BITS",
            DefaultValueFactory = _ => 32,
        };
        bits.AcceptOnlyFromAmong("32", "16", "8");
        var sample = new Option<string?>("--sample")
        {
            Description = "Some dozens of typical rows (as data of train): they set the ranges of 8 bits, and the file is checked on them. "
                + "Default: the check is on generated rows.",
            HelpName = "DATA",
        };
        Option<FileInfo?> card = CommonOptions.Card();
        Option<bool> json = CommonOptions.Json("the result as a JSON document");
        var columns = new ColumnOptions();
        var command = new Command("export",
            "Writes a model as an ONNX file, and compares the file's scores in ONNX Runtime with the model's.")
        {
            model, output, bits, sample, card, json,
        };
        columns.AddTo(command);
        command.Validators.Add(result => OutputFile.RefuseOneForTwo(
            result, (model.Name, result.GetValue(model)), (output.Name, result.GetValue(output)), (card.Name, result.GetValue(card))));
        command.SetAction(parsed =>
        {
            bool isForPrograms = parsed.GetValue(json);
            if (isForPrograms)
                JsonOutput.Begin();
            string path = parsed.GetRequiredValue(output).FullName;
            OutputFile.RequireWritable(path);
            OutputFile.RequireWritable(parsed.GetValue(card)?.FullName);
            MLContext ml = ToolContext.Create();
            using Classifier classifier = Classifier.Open(ml, parsed.GetRequiredValue(model).FullName);
            IDataView? rows = parsed.GetValue(sample) is { } data
                ? classifier.ToInputs(LabeledRows.Read(ml, data, columns.Of(parsed)))
                : null;
            // Beside the file, which is replaced only by one that was found to be good.
            string beside = Path.Combine(Path.GetDirectoryName(path)!, $".{Guid.NewGuid():N}.onnx");
            ExportCheck.Result check;
            try
            {
                ml.FineTuning.ExportOnnx(classifier.Network, beside, PrecisionOf(parsed.GetValue(bits), classifier.Kind, rows, ml));
                check = ExportCheck.Run(classifier.Network, beside, rows);
                Screen.Line($"Checked in ONNX Runtime on {check.Rows} {(rows is null ? "generated " : "")}rows: probabilities differ by "
                    + $"up to {check.Largest:0.0e+0}, and {check.OtherClasses} have another class.");
                if (float.IsNaN(check.Largest) || (parsed.GetValue(bits) == 32 && check.Largest > ExportCheck.Tolerance))
                    throw new InvalidDataException($"The exported file scores otherwise than the model: '{path}' was not written.");
                File.Move(beside, path, overwrite: true);
            }
            finally
            {
                File.Delete(beside);
            }
            Screen.ShowFile(path);
            if (parsed.GetValue(card) is { } cardFile)
            {
                classifier.Network.WriteCard(cardFile.FullName);
                Screen.ShowFile(cardFile.FullName);
            }
            if (isForPrograms)
            {
                JsonOutput.Write(new Result(
                    path, parsed.GetValue(bits), new FileInfo(path).Length, check.Rows, check.Largest, check.OtherClasses));
            }
            return CommandRun.Done;
        });
        return command;
    }

    // Texts need no rows for their ranges.
    private static OnnxPrecision PrecisionOf(int bits, RowKind kind, IDataView? sample, MLContext ml) => bits switch
    {
        16 => OnnxPrecision.Float16,
        8 when sample is not null => OnnxPrecision.Int8(sample),
        8 when kind == RowKind.Texts => OnnxPrecision.Int8(ml.Data.LoadFromEnumerable<TextRow>([])),
        8 => throw new ArgumentException("--bits 8 needs --sample DATA: some dozens of typical photos, which set its ranges."),
        _ => OnnxPrecision.Float32,
    };

    /// <summary>What an export made, as a document.</summary>
    /// <param name="Onnx">Path of the file.</param>
    /// <param name="Bits">Bits of a weight.</param>
    /// <param name="Bytes">Size of the file.</param>
    /// <param name="CheckedRows">Number of rows that were compared.</param>
    /// <param name="LargestDifference">Largest difference of a probability.</param>
    /// <param name="OtherClasses">Number of these rows that the file puts in another class.</param>
    private sealed record Result(string Onnx, int Bits, long Bytes, int CheckedRows, float LargestDifference, int OtherClasses);
}
