using MlNetFineTune.MlNet;







namespace MlNetFineTune.Networks;

/// <summary>
/// What every listed network costs: constants, so that a list of networks needs neither libtorch nor a second. A test builds each network, counts
/// again and prints this table where it differs.
/// </summary>
internal static class BackboneCosts
{
    private static readonly Dictionary<string, (long Parameters, long MultiplyAdds, int Features)> s_byName = new(StringComparer.Ordinal)
    {
        ["convnext_base"] = (87_566_464, 15_353_705_472, 1024),
        ["convnext_small"] = (49_454_688, 8_682_944_256, 768),
        ["convnext_tiny"] = (27_820_128, 4_454_763_264, 768),
        ["deit_base_patch16_224"] = (85_798_656, 17_563_060_224, 768),
        ["deit_small_patch16_224"] = (21_665_664, 4_598_498_304, 384),
        ["deit_tiny_patch16_224"] = (5_524_416, 1_253_491_200, 192),
        ["densenet121"] = (6_953_856, 2_833_137_664, 1024),
        ["efficientnet_b0"] = (4_007_548, 384_534_752, 1280),
        ["efficientnet_b1"] = (6_513_184, 568_371_680, 1280),
        ["efficientnet_b2"] = (7_700_994, 858_445_760, 1408),
        ["efficientnet_b3"] = (10_696_232, 1_587_662_096, 1536),
        ["efficientnet_b4"] = (17_548_616, 3_061_895_008, 1792),
        ["micro"] = (302_864, 25_767_936, 128),
        ["mobilenetv1_025"] = (213_072, 40_774_272, 256),
        ["mobilenetv1_050"] = (818_592, 148_985_088, 512),
        ["mobilenetv1_075"] = (1_816_560, 324_632_448, 768),
        ["mobilenetv1_100"] = (3_206_976, 567_716_352, 1024),
        ["mobilenetv2_100"] = (2_223_872, 299_494_272, 1280),
        ["mobilenetv3_large_075"] = (2_712_528, 153_280_624, 1280),
        ["mobilenetv3_large_100"] = (4_202_032, 215_309_760, 1280),
        ["mobilenetv3_small_050"] = (568_224, 23_164_688, 1024),
        ["mobilenetv3_small_075"] = (1_016_872, 42_375_344, 1024),
        ["mobilenetv3_small_100"] = (1_517_856, 55_486_400, 1024),
        ["regnet_y_16gf"] = (80_565_140, 15_908_486_272, 3024),
        ["regnet_y_1_6gf"] = (10_313_430, 1_611_188_160, 888),
        ["regnet_y_32gf"] = (141_333_770, 32_275_840_832, 3712),
        ["regnet_y_3_2gf"] = (17_923_338, 3_174_970_752, 1512),
        ["regnet_y_400mf"] = (3_903_144, 401_402_848, 440),
        ["regnet_y_800mf"] = (5_647_512, 833_072_256, 784),
        ["regnet_y_8gf"] = (37_364_472, 8_471_054_592, 2016),
        ["resnet101"] = (42_500_160, 7_799_357_440, 2048),
        ["resnet110"] = (1_727_312, 252_887_040, 64),
        ["resnet152"] = (58_143_808, 11_511_578_624, 2048),
        ["resnet18"] = (11_176_512, 1_813_561_344, 512),
        ["resnet20"] = (269_072, 40_550_400, 64),
        ["resnet32"] = (463_504, 68_861_952, 64),
        ["resnet34"] = (21_284_672, 3_663_249_408, 512),
        ["resnet44"] = (657_936, 97_173_504, 64),
        ["resnet50"] = (23_508_032, 4_087_136_256, 2048),
        ["resnet56"] = (852_368, 125_485_056, 64),
        ["resnext101_32x8d"] = (86_742_336, 16_411_967_488, 2048),
        ["resnext50_32x4d"] = (22_979_904, 4_228_431_872, 2048),
        ["squeezenet1_1"] = (722_496, 262_623_936, 512),
        ["tf_efficientnet_b0"] = (4_007_548, 384_534_752, 1280),
        ["tf_efficientnet_b1"] = (6_513_184, 685_522_832, 1280),
        ["tf_efficientnet_b2"] = (7_700_994, 992_153_872, 1408),
        ["tf_efficientnet_b3"] = (10_696_232, 1_825_605_392, 1536),
        ["tf_efficientnet_b4"] = (17_548_616, 4_391_979_024, 1792),
        ["vgg16_bn"] = (134_268_992, 15_466_168_320, 4096),
        ["vit_base_patch14_dinov2"] = (86_579_712, 151_573_718_016, 768),
        ["vit_base_patch16_224"] = (85_798_656, 17_563_060_224, 768),
        ["vit_small_patch14_dinov2"] = (22_056_192, 46_696_739_328, 384),
        ["vit_small_patch16_224"] = (21_665_664, 4_598_498_304, 384),
        ["vit_tiny_patch16_224"] = (5_524_416, 1_253_491_200, 192),
        ["wide_resnet50_2"] = (66_834_240, 11_395_973_120, 2048),
    };

    public static Backbone.Info Of(BackboneFamily family)
    {
        var (parameters, multiplyAdds, features) = s_byName.GetValueOrDefault(family.Name);
        return new Backbone.Info(family.Name, parameters, multiplyAdds, family.DefaultRecipe.Preprocessing.Size, features);
    }
}
