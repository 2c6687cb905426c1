namespace MlNetFineTune.Tests;

/// <summary>
/// Leaves out what takes more than half a second, mostly whole trainings: a mutation run repeats the tests of a line for each of its
/// mutants, and what only a training notices deserves a test of its own.
/// </summary>
[TestClass]
public sealed class SlowTests
{
    private static readonly string[] s_names =
    [
        "ADistilledTransformerIsCalledByItsName",
        "AFileForOtherChannelsSaysWhatToWrite",
        "AFlippedBitIsFoundOrMeansNothing",
        "AMissingPartOfATensorIsNamed",
        "ANetworkFromTheHubIsFineTunedAndSavedWithItsOrigin",
        "ANetworkIsTheSameFromEveryForm",
        "AProcessThatDiesGoesOnFromTheLastCheckpoint",
        "AServerThatSaysMoreThanItSendsIsGivenUp",
        "AnotherProcessIsWaitedForAndItsDeathFreesTheLock",
        "AttemptsEnd",
        "BytesThatWereChangedAtRandomAreReadOrRefusedButNothingElse",
        "ChangedHeadersGiveANetworkOrAnErrorOfTheFile",
        "EveryStrategyTrainsAndKeepsTheBestEpochOfAllItsParts",
        "FeaturesOfAClassBecomeAlikeWhereTheHeadAloneFails",
        "FrozenBatchNormKeepsItsStatisticsWhileItsScaleTrains",
        "LossesOfPairsAreNotComparedWithThoseOfTheTask",
        "ManyPrefixesAreReadOnce",
        "OfManyWhoWantTheSameFileOneDownloadsAndTheOthersWait",
        "PairsOfTextsOtherTasksAdaptersAndPicturesTrainToo",
        "PythonReadsWhatWeSaveWithTheSameNumbers",
        "SmallerBatchesOfAStepGiveTheSameStep",
        "TheAverageOfTheBestIsTakenIfItIsBetterAndSaidSo",
        "TheModelHasTheAverageRunningStatisticsIncluded",
        "TheNameOfATorchvisionFileHoldsItsHash",
        "TheReportSaysWhichNetworkTheFileIsOfAndCutsLongLists",
        "TheSameSeedGivesTheSameWeightsWithDropoutAndRecomputedActivations",
        "ValidationJudgesTheAverageAndTrainingGoesOnWithTheWeights",
        "WeightsUnderTransformersNamesAreTheSame",
        "WhereNothingElseIsKnownTheProbabilityIsTheShareOfWhatWasSeen",
        "WiseFtTakesTheBestWeightsOnTheLineAndIsNeverWorseThanItsEnds",
    ];

    [GlobalTestInitialize]
    public static void Skip(TestContext context)
    {
        if (s_names.Contains(context.TestName))
            Assert.Inconclusive("It takes too long for a mutation run.");
    }
}
