"""Writes every fixture again:  python3 tools/reference/make_fixtures.py  (PyTorch 1.13 and torchvision 0.14; about half a minute)."""
import answers_fixture
import attention_pool_fixture
import augmentation_fixture
import averaging_fixture
import calibration_fixture
import checkpoint_fixtures
import cifar_fixture
import clipping_fixture
import conformal_fixture
import contrastive_fixture
import crop_fixture
import distillation_fixture
import entities_fixture
import erasing_fixture
import explanations_fixture
import features_fixture
import format_fixture
import fusion_fixture
import lora_fixture
import labeling_fixture
import losses_fixture
import mixing_fixture
import modernbert_fixture
import module_fixture
import names_fixture
import network_fixtures
import optimizers_fixture
import picture_fixture
import position_fixture
import pruning_fixture
import ranking_fixture
import resizing_fixture
import schedules_fixture
import several_fixture
import signature_fixture
import stem_fixture
import strategies_fixture
import text_fixture
import torchscript_fixture
import transformers_fixture
import training_fixture
import views_fixture
import watching_fixture
import weight_file_fixtures

network_fixtures.main()
signature_fixture.main()
training_fixture.main()
strategies_fixture.main()
text_fixture.main()
modernbert_fixture.main()
answers_fixture.main()
entities_fixture.main()
module_fixture.main()
features_fixture.main()
attention_pool_fixture.main()
fusion_fixture.main()
several_fixture.main()
explanations_fixture.main()
optimizers_fixture.main()
averaging_fixture.main()
lora_fixture.main()
pruning_fixture.main()
schedules_fixture.main()
clipping_fixture.main()
conformal_fixture.main()
losses_fixture.main()
contrastive_fixture.main()
ranking_fixture.main()
labeling_fixture.main()
distillation_fixture.main()
calibration_fixture.main()
cifar_fixture.main()
crop_fixture.main()
mixing_fixture.main()
erasing_fixture.main()
resizing_fixture.main()
picture_fixture.main()
views_fixture.main()
watching_fixture.main()
format_fixture.main()
stem_fixture.main()
augmentation_fixture.main()
names_fixture.main()
position_fixture.main()
torchscript_fixture.main()
weight_file_fixtures.main()
checkpoint_fixtures.main()
transformers_fixture.main()
