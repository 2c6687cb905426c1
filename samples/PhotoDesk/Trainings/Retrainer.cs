using Microsoft.Extensions.Options;
using Microsoft.ML;
using MlNetFineTune;

namespace PhotoDesk;

/// <summary>
/// Trains in the background, one training at a time. A training interrupted by the end of the program resumes from its checkpoint at the
/// next start, with the same result.
/// </summary>
internal sealed class Retrainer(
    MLContext ml, Database database, TrainingStore trainings, ModelStore models, HeldOutJudge judge, ServedModel served, TrainingFeed feed,
    Cleaner cleaner, TimeProvider time, IOptions<PhotoDeskOptions> options, ILogger<Retrainer> log)
    : BackgroundService
{
    // Limits the restarts of a training that crashes the program.
    private const int MostStarts = 3;

    private readonly PhotoDeskOptions _options = options.Value;
    private readonly SemaphoreSlim _ordered = new(0);
    private readonly Lock _starting = new();
    private CancellationTokenSource? _stop;

    /// <summary>Requests a training on the current labels, starting from the served model.</summary>
    /// <returns>Null if a training is active.</returns>
    public Training? Begin()
    {
        if (trainings.Add(served.Id, new TrainingSettings(_options.Epochs, _options.LearningRate, _options.CorrectionWeight))
            is not { } training)
            return null;
        feed.Publish(training);
        _ordered.Release();
        return training;
    }

    /// <summary>Ends the training within a step, with the best epoch so far.</summary>
    /// <returns>Null if none is running.</returns>
    public Training? Stop()
    {
        lock (_starting)
        {
            if (feed.Now is not { } training || !trainings.AskToStop(training.Id))
                return null;
            _stop?.Cancel();
            return feed.Update(now => now with { State = TrainingState.Stopping });
        }
    }

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        if (trainings.Latest() is { HasEnded: false } broken)
            feed.Publish(broken with { Message = "Goes on after a restart." });
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (Next() is { } order)
                    await Task.Factory.StartNew(() => Run(order, stoppingToken), CancellationToken.None, TaskCreationOptions.LongRunning,
                        TaskScheduler.Default);
                else
                    await _ordered.WaitAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogError(e, "The state of a training could not be written down; trying again.");
                await Task.Delay(TimeSpan.FromSeconds(5), time, stoppingToken);
            }
        }
    }

    private TrainingOrder? Next()
    {
        lock (_starting)
        {
            _stop?.Dispose();
            _stop = new CancellationTokenSource();
            var order = trainings.Start();
            if (order is { StopAsked: true })
                _stop.Cancel();
            return order;
        }
    }

    private void Run(TrainingOrder order, CancellationToken programEnds)
    {
        try
        {
            if (order.Starts > MostStarts)
                End(order, TrainingState.Interrupted,
                    $"The program ended {MostStarts} times during this training, so it was not started again.");
            else
                Train(order, programEnds);
        }
        catch (OperationCanceledException) when (programEnds.IsCancellationRequested)
        {
            trainings.Pause(order.Id);
            log.LogInformation("Training {Training} has left a checkpoint and goes on at the next start.", order.Id);
            return;
        }
        catch (Exception e)
        {
            log.LogError(e, "Training {Training} failed.", order.Id);
            if (order.Starts == 1)
                End(order, TrainingState.Failed, "The training failed. The log has the details.");
            else
                End(order, TrainingState.Interrupted, "The program ended during this training, and it could not go on from its checkpoint. "
                    + "Start another.");
        }
        DeleteCheckpoint(order);
        feed.Publish(trainings.Latest()!);
        cleaner.Wake(); // there is one more model
    }

    private void Train(TrainingOrder order, CancellationToken programEnds)
    {
        using var earlier = new LoadedModel(ml, models.PathOf(order.BaseModelId));
        var training = ModelTraining.OptionsFor(Backbone.FromModel(earlier.File)) with
        {
            Epochs = order.Settings.Epochs,
            LearningRate = order.Settings.LearningRate,
            Checkpoint = TrainingCheckpoint.EveryInterval(CheckpointOf(order), _options.CheckpointInterval),
            RunFolder = TrainingFolders.PathOf(_options, TrainingFolders.Runs, order.Id),
            Progress = new ProgressToFeed(feed, trainings, time),
            StopToken = _stop!.Token,
            CancellationToken = programEnds,
        };
        feed.Update(now => now with { State = _stop.IsCancellationRequested ? TrainingState.Stopping : TrainingState.Running });
        using var model = ModelTraining.Fit(
            ml, earlier.Classes, Rows(PhotoSide.Training), Rows(PhotoSide.Validation), training, out var report);
        if (report.BestEpoch == 0)
            End(order, TrainingState.Stopped, "Stopped before an epoch was complete: there is no model.");
        else
            Keep(order, model, report);

        IEnumerable<LabelledRow> Rows(PhotoSide side) => trainings.Rows(order.Id, side, order.Settings.CorrectionWeight);
    }

    // First the file, then the row: if the process is killed in between, the next start overwrites the file.
    private void Keep(TrainingOrder order, ITransformer model, TrainingReport report)
    {
        var id = models.NextId();
        ml.Model.SaveAtomically(model, ModelTraining.InputSchema(ml), models.PathOf(id));
        var quality = judge.QualityOf(id);
        using var connection = database.Open();
        using var transaction = connection.BeginTransaction();
        models.Add(connection, id, order.Id, quality, trainings.CountCorrections(order.Id));
        trainings.End(
            connection, order.Id, report.End == TrainingReport.EndReason.Stopped ? TrainingState.Stopped : TrainingState.Finished,
            $"Model {id} has the weights of epoch {report.BestEpoch}, the best on the validation photos.", id);
        transaction.Commit();
        log.LogInformation("Training {Training} made model {Model}: accuracy {Accuracy:0.000} on {HeldOut} held-out photos.", order.Id, id,
            quality.Accuracy, quality.HeldOut);
    }

    private void End(TrainingOrder order, TrainingState state, string message) => trainings.End(order.Id, state, message);

    private string CheckpointOf(TrainingOrder order) => TrainingFolders.PathOf(_options, TrainingFolders.Checkpoints, order.Id);

    private void DeleteCheckpoint(TrainingOrder order)
    {
        try
        {
            if (Directory.Exists(CheckpointOf(order)))
                Directory.Delete(CheckpointOf(order), recursive: true);
        }
        catch (IOException e)
        {
            log.LogWarning(e, "The checkpoint of training {Training} could not be deleted.", order.Id);
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _ordered.Dispose();
        _stop?.Dispose();
    }
}
