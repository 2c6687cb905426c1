using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.ML;
using TextQuickStart;

namespace MlNetFineTune.Soak;

/// <summary>
/// A host that serves photos and messages to callers that never stop, while the same process trains the next models, cycle after cycle, and
/// replaces those that serve. Each cycle also meets what goes wrong: a broken photo, a training that is cancelled and goes on, half a model
/// file.
/// </summary>
internal sealed class SoakRun : IAsyncDisposable
{
    /// <summary>How much memory may grow over the last two thirds, as a fraction of what there is.</summary>
    private const double Tolerance = 0.02;

    /// <summary>Fewer say nothing of memory and threads, which settle in the first minutes.</summary>
    private const int LeastCycles = 40;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private readonly string _folder = Directory.CreateTempSubdirectory("soak-").FullName;
    private readonly string _temporary;
    private readonly PhotoTrainings _photos;
    private readonly TicketTrainings _tickets;
    private readonly DeliveryTrainings _deliveries = new();
    private readonly Callers _callers = new();
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly List<SoakSample> _samples = [];
    private int _trainings;

    private SoakRun()
    {
        // Of this process alone, so that every file which is left behind is counted.
        _temporary = Directory.CreateDirectory(Path.Combine(_folder, "temporary")).FullName;
        Environment.SetEnvironmentVariable(OperatingSystem.IsWindows() ? "TMP" : "TMPDIR", _temporary);
        _photos = new PhotoTrainings(_folder);
        _tickets = new TicketTrainings();
    }

    private string PhotoModel => Path.Combine(_folder, "photos.zip");

    private string TicketModel => Path.Combine(_folder, "tickets.zip");

    /// <returns>The exit code.</returns>
    public static async Task<int> StartAsync(TimeSpan length, int cycles)
    {
        await using var run = new SoakRun();
        return await run.RunAsync(length, cycles);
    }

    public async ValueTask DisposeAsync()
    {
        await _callers.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<int> RunAsync(TimeSpan length, int cycles)
    {
        Train(seed => _photos.HeadOnly(seed, PhotoModel), seed: 0);
        Train(seed => _tickets.ProbeThenFull(seed, TicketModel), seed: 0);
        using var host = Serve();
        await host.StartAsync();
        var photos = host.Services.GetRequiredKeyedService<HostedPredictor<PhotoRow, PhotoAnswer>>("photos");
        var tickets = host.Services.GetRequiredKeyedService<HostedPredictor<Ticket, TicketPrediction>>("tickets");
        for (var i = 0; i < 2; i++)
            _callers.Add(photos, _photos.TestRows, PhotoTrainings.Check);
        _callers.Add(tickets, _tickets.TestRows, TicketTrainings.Check);

        Console.WriteLine(SoakSample.Header);
        for (var cycle = 1; cycle <= cycles && _watch.Elapsed < length; cycle++)
        {
            await CycleAsync(cycle, photos, tickets);
            _samples.Add(await _callers.PauseAsync(TakeSample));
            Console.WriteLine(_samples[^1]);
        }
        await host.StopAsync();
        return Judge();
    }

    private async Task CycleAsync(
        int cycle, HostedPredictor<PhotoRow, PhotoAnswer> photos, HostedPredictor<Ticket, TicketPrediction> tickets)
    {
        Train(seed => _photos.HeadOnly(seed, PhotoModel), cycle);
        await SwitchedAsync(() => photos.Model, PhotoModel);
        Train(_photos.CancelledAndResumed, cycle);
        Train(seed => _tickets.ProbeThenFull(seed, TicketModel), cycle);
        await SwitchedAsync(() => tickets.Model, TicketModel);
        Train(_deliveries.OwnModule, cycle);
        photos.Use(model => _photos.Evaluate(model));

        await File.WriteAllBytesAsync(PhotoModel + ".half", (await File.ReadAllBytesAsync(PhotoModel))[..^2000]);
        try
        {
            await photos.SwitchAsync(PhotoModel + ".half");
            throw new InvalidOperationException("Half a model file came into service.");
        }
        catch (Exception e) when (e is InvalidDataException or FormatException)
        {
            // As it should: the earlier model serves on.
        }
    }

    private SoakSample TakeSample() => SoakSample.Take(_watch.Elapsed, _trainings, _callers.Answers, _temporary, _deliveries.Miscounted);

    private IHost Serve()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddPredictor<PhotoRow, PhotoAnswer>("photos").Configure(options =>
        {
            options.ModelPath = PhotoModel;
            options.Example = _photos.TestRows[0];
        });
        builder.Services.AddPredictor<Ticket, TicketPrediction>("tickets").Configure(options =>
        {
            options.ModelPath = TicketModel;
            options.Example = _tickets.TestRows[0];
        });
        return builder.Build();
    }

    private void Train(Action<int> training, int seed)
    {
        training(seed);
        _trainings++;
        _callers.ThrowIfFailed();
    }

    private static async Task SwitchedAsync(Func<HostedModel> serving, string path)
    {
        var expected = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(path)));
        for (var watch = Stopwatch.StartNew(); serving().Sha256 != expected; await Task.Delay(50))
        {
            if (watch.Elapsed > s_patience)
                throw new InvalidOperationException($"'{path}' was replaced, and does not serve after {s_patience.TotalMinutes} minutes.");
        }
    }

    private int Judge()
    {
        // Caches fill, code is compiled twice, and the allocator's arenas grow to the largest cycle: the first third does not count.
        SoakSample[] settled = [.. _samples.Skip(_samples.Count / 3)];
        List<(string Name, Func<SoakSample, double> Of, double Tolerance)> series =
        [
            ("tensors", sample => sample.Tensors, 0),
            ("files", sample => sample.Files, 0),
        ];
        if (settled.Length >= LeastCycles)
        {
            series.AddRange([
                ("handles", sample => sample.Handles, 0),
                ("threads", sample => sample.Threads, 0),
                ("resident", sample => sample.Resident, Tolerance),
                ("native", sample => sample.Native, Tolerance),
                ("managed", sample => sample.Managed, Tolerance),
            ]);
        }
        var grown = 0;
        foreach (var (name, of, tolerance) in series)
        {
            double[] values = [.. settled.Select(of)];
            var (growth, median) = (Growth.Of(values), values.Order().ElementAt(values.Length / 2));
            var isFlat = growth <= tolerance * median;
            grown += isFlat ? 0 : 1;
            Console.WriteLine(FormattableString.Invariant(
                $"{name,-8} median {median,14:N0}  growth {growth,12:N0}  {(isFlat ? "flat" : "GROWS")}"));
        }
        Console.WriteLine(FormattableString.Invariant(
            $"{_samples.Count} cycles, {_trainings} trainings, {_callers.Answers} answers in {_watch.Elapsed.TotalMinutes:0.0} minutes"));
        return grown == 0 ? 0 : 1;
    }
}
