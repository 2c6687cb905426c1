namespace MlNetFineTune.Tests;

/// <summary>
/// Leaves out what takes more than a tenth of a second, mostly whole trainings: a mutation run repeats the tests of a line for each of its
/// mutants, and what only a training notices deserves a test of its own.
/// </summary>
[TestClass]
public sealed class SlowTests
{
    private static readonly string[] s_names =
    [
        "ABackboneIgnoresTheOldClassifierAndBatchCountersButNothingElse",
        "ABranchIsResolvedOnceAndWrittenDown",
        "AConfigThatCannotBeUsedSaysWhy",
        "ADistilledTransformerIsCalledByItsName",
        "AFileForOtherChannelsSaysWhatToWrite",
        "AFlippedBitIsFoundOrMeansNothing",
        "AHeaderOfShortNumbersTakesLittleMoreThanItsBytes",
        "AMazeOfReferencesIsWalkedOnce",
        "AMissingPartOfATensorIsNamed",
        "ANetworkFromTheHubIsFineTunedAndSavedWithItsOrigin",
        "ANetworkIsTheSameFromEveryForm",
        "AProcessThatDiesGoesOnFromTheLastCheckpoint",
        "ARepositoryOfTransformersIsRead",
        "ARowWithoutWeightIsInNoPair",
        "AServerThatFallsSilentIsAskedAgain",
        "AServerThatSaysMoreThanItSendsIsGivenUp",
        "AStopAtTheEndLeavesTheAveragesOut",
        "AStudentFollowsPyTorchStepByStep",
        "ATrainingThatWentOnHasTheSameWeights",
        "AnotherProcessIsWaitedForAndItsDeathFreesTheLock",
        "AttemptsEnd",
        "BytesThatWereChangedAtRandomAreReadOrRefusedButNothingElse",
        "ChangedHeadersGiveANetworkOrAnErrorOfTheFile",
        "ClassesOfOneRowAreNamedAndAreAnErrorWhereThereAreNoOthers",
        "EarlyStoppingWaitsForTheLastPart",
        "EveryStrategyTrainsAndKeepsTheBestEpochOfAllItsParts",
        "FeaturesOfAClassBecomeAlikeWhereTheHeadAloneFails",
        "FrozenBatchNormKeepsItsStatisticsWhileItsScaleTrains",
        "LeftoversOfAnySizeDoNoHarm",
        "LossesOfPairsAreNotComparedWithThoseOfTheTask",
        "ManyPrefixesAreReadOnce",
        "OfManyWhoWantTheSameFileOneDownloadsAndTheOthersWait",
        "PairsOfTextsOtherTasksAdaptersAndPicturesTrainToo",
        "PairsTrainTheEncoderAndThenFeaturesTrainTheHead",
        "PythonReadsWhatWeSaveWithTheSameNumbers",
        "SmallerBatchesOfAStepGiveTheSameStep",
        "TheAverageOfTheBestIsTakenIfItIsBetterAndSaidSo",
        "TheHashIsTheHubsNotTheStores",
        "TheModelHasTheAverageRunningStatisticsIncluded",
        "TheNameOfATorchvisionFileHoldsItsHash",
        "ThePartsAndTheLossesArePyTorchs",
        "TheReportSaysWhichNetworkTheFileIsOfAndCutsLongLists",
        "TheSameSeedGivesTheSameWeightsWithDropoutAndRecomputedActivations",
        "TheSameTensorsGiveTheSameBytes",
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
