using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using PhotoDesk;
using DeskTraining = PhotoDesk.Training; // and not the library's namespace

namespace MlNetFineTune.PhotoDesk.Tests.Server;
/// <summary>The program in a process of its own, killed by the system without warning, and a load from another.</summary>
[TestClass]
public sealed class KilledTests
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) }
    };

    private const string Epochs = "10";

    /// <summary>SIGKILL in the middle of a training: after a restart it ends with the same epochs, number for number,
    /// as one that was not interrupted.</summary>
    [TestMethod]
    public async Task ATrainingThatIsKilledGoesOnToTheSameEnd()
    {
        await using var undisturbed = await RunningDesk.StartAsync("--PhotoDesk:Epochs", Epochs);
        await undisturbed.TeachAsync();
        await undisturbed.PostAsync<DeskTraining>("api/trainings");
        var expected = await undisturbed.UntilAsync(training => training.HasEnded);
        await undisturbed.StopAsync(); // two trainings at once would only be slower

        var data = await KilledInTheMiddleAsync();
        DeskTraining resumed;
        using (var second = new Program(data))
        {
            resumed = await second.UntilAsync(training => training.HasEnded);
            Assert.AreEqual("""{"status":"ok","modelId":1}""", await second.Http.GetStringAsync("health"));
        }
        data.Delete(recursive: true);

        Assert.AreEqual((TrainingState.Finished, expected.Message), (resumed.State, resumed.Message));
        CollectionAssert.AreEqual(expected.History.ToArray(), resumed.History.ToArray());
    }

    /// <summary>The data of a program that was killed during its training. Where the kill came too late, another is started.</summary>
    private static async Task<DirectoryInfo> KilledInTheMiddleAsync()
    {
        var photos = Enumerable.Range(0, 4).Select(i => RunningDesk.Picture(i)).ToArray();
        for (var attempt = 0; attempt < 10; attempt++)
        {
            var data = Directory.CreateTempSubdirectory("photodesk-");
            using (var program = new Program(data))
            {
                await program.TeachAsync(photos);
                (await program.Http.PostAsync("api/trainings", null)).EnsureSuccessStatusCode();
                await program.UntilAsync(training => training.History.Count >= 2);
                program.Kill();
            }
            var checkpoints = Path.Combine(data.FullName, "checkpoints", "training-1");
            if (Directory.Exists(checkpoints) && Directory.EnumerateFiles(checkpoints).Any())
                return data;
            data.Delete(recursive: true);
        }
        Assert.Fail("Of ten trainings each had ended before it could be killed.");
        return null!;
    }

    [TestMethod]
    public async Task ALoadFromASecondProcessLosesNoPhotoAndEndsByItself()
    {
        await using var desk = await RunningDesk.StartAsync("--PhotoDesk:RequestsPerSecond", "100000");
        using var load = Program.Start("load", "--url", $"{desk.Http.BaseAddress}", "--seconds", "1", "--callers", "4");
        var output = await load.StandardOutput.ReadToEndAsync();
        await load.WaitForExitAsync();

        Assert.AreEqual(0, load.ExitCode, output + await load.StandardError.ReadToEndAsync());
        StringAssert.Contains(output, "lost: 0 of ");
        var answered = int.Parse(output.Split("answered by model")[1].Split("1 (")[1].Split(')')[0]);
        Assert.AreEqual(answered + 1, (await desk.GetAsync<PhotoPage>("api/photos")).Total, "and one for warming up");
    }

    [TestMethod]
    public async Task ALoadThatIsRefusedSaysSo()
    {
        await using var desk = await RunningDesk.StartAsync("--PhotoDesk:RequestsPerSecond", "1"); // and ten saved up
        // each calls once at least
        using var load = Program.Start("load", "--url", $"{desk.Http.BaseAddress}", "--seconds", "1", "--callers", "64");
        var output = await load.StandardOutput.ReadToEndAsync();
        await load.WaitForExitAsync();

        Assert.AreEqual(1, load.ExitCode);
        StringAssert.Contains(output + await load.StandardError.ReadToEndAsync(), "429");
    }

    private sealed class Program : IDisposable
    {
        private readonly Process _process;

        public Program(DirectoryInfo data)
        {
            _process = Start(
                "--urls", "http://127.0.0.1:0", "--data", data.FullName, "--PhotoDesk:EmbeddedPerClass", "12", "--PhotoDesk:Epochs", Epochs,
                "--PhotoDesk:CheckpointInterval", "00:00:00.05");
            const string Listening = "Now listening on: ";
            string? line;
            while ((line = _process.StandardOutput.ReadLine()) is not null && !line.Contains(Listening, StringComparison.Ordinal))
            {
            }
            if (line is null)
                Assert.Fail(_process.StandardError.ReadToEnd());
            _ = _process.StandardOutput.ReadToEndAsync(); // so that its pipes never fill
            _ = _process.StandardError.ReadToEndAsync();
            Http = new HttpClient
            {
                Timeout = Patience.Limit,
                BaseAddress = new Uri(line!.Split(Listening)[1].Trim()),
                DefaultRequestHeaders = { { "X-PhotoDesk", "1" } }
            };
        }

        public HttpClient Http { get; }

        public static Process Start(params string[] arguments)
        {
            var shared = Path.GetDirectoryName(typeof(object).Assembly.Location)!; // <dotnet>/shared/Microsoft.NETCore.App/<version>
            var host = Path.Combine(shared, "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet");
            return Process.Start(new ProcessStartInfo(host, [Path.Combine(AppContext.BaseDirectory, "PhotoDesk.dll"), .. arguments])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true
            })!;
        }

        public async Task TeachAsync(byte[][] photos)
        {
            using var response = await Http.PostAsync(
                "api/photos", RunningDesk.Form([.. photos.Select((photo, i) => ($"{QuickStart.SurfaceImages.Kinds[i]}.jpg", photo))]));
            foreach (var (result, kind) in (await response.Content.ReadFromJsonAsync<UploadAnswer>(s_json))!.Results.Zip(
                QuickStart.SurfaceImages.Kinds))
                (await Http.PutAsJsonAsync($"api/photos/{result.Photo!.Id}/label", new { label = kind })).EnsureSuccessStatusCode();
        }

        public async Task<DeskTraining> UntilAsync(Func<DeskTraining, bool> reached)
        {
            DeskTraining? training = null;
            await Patience.UntilAsync(
                async () => (training = await Http.GetFromJsonAsync<DeskTraining>("api/trainings/latest", s_json)) is not null
                    && reached(training), "the training has come so far");
            return training!;
        }

        public void Kill()
        {
            _process.Kill(); // SIGKILL
            _process.WaitForExit();
        }

        public void Dispose()
        {
            if (!_process.HasExited)
                Kill();
            _process.Dispose();
            Http.Dispose();
        }
    }
}
