"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest

from sklearn_ecg import MSAICNetClassifier
from sklearn_ecg.datasets import make_ecg
from sklearn_ecg.leads import REGIONS_12

# Tests that `make test-fast` leaves out, by the start of their node id: those that take more than
# about two seconds on one core. Tests with one of SLOW_FIXTURES are left out as well.
SLOW = (
    # scikit-learn's checks and ours for every estimator.
    "tests/test_estimators.py::test_sklearn_checks",
    "tests/test_estimators.py::test_ecg_checks",
    "tests/deep/test_new_method.py::test_sklearn_checks",
    "tests/deep/test_new_method.py::test_ecg_checks",
    "tests/utils/test_estimator_checks.py::test_all_checks_run_and_are_counted",
    "tests/utils/test_estimator_checks.py::test_faults_are_detected",
    # Every tool of scikit-learn and imbalanced-learn trains networks.
    "tests/test_tools.py::test_tool",
    "tests/test_readme.py::test_examples_run_as_they_are",
    "tests/test_readme.py::test_scripts_run",
    "tests/test_newcomer.py::test_from_a_folder_to_a_prediction",
    # A build and a new environment.
    "tests/test_packaging.py::test_wheel",
    "tests/test_packaging.py::test_sdist",
    # Many repetitions of an experiment.
    "tests/metrics/test_bootstrap.py::test_interval_of_a_proportion_is_binomial",
    "tests/metrics/test_bootstrap.py::test_multilabel_interval_is_as_wide_as_the_interval_of_one_label",
    "tests/metrics/test_delong.py::test_p_values_are_uniform_without_a_difference",
    "tests/imbalance/test_sampling_pipelines.py::test_networks_and_features",
    # Networks that learn something.
    "tests/deep/test_beat_feature_estimators.py::test_learns_the_features",
    "tests/deep/test_ecg_net.py::test_each_network_learns",
    "tests/deep/test_synchronization.py",
    "tests/deep/test_msaic_net.py::test_added_records_do_not_count_in_the_classification_loss",
    "tests/deep/test_msaic_net.py::test_early_stopping_keeps_groups_on_one_side",
    "tests/deep/test_msaic_net.py::test_weighted_prevalence_is_learned_with_any_batch_size",
    "tests/beats/test_median_beat.py::test_importance_per_lead_through_a_pipeline",
    "tests/inspection/test_lead_importance.py::test_equals_sklearn_on_every_estimator",
    "tests/inspection/test_synthetic_importance.py",
    "tests/preprocessing/test_signal_pipelines.py::test_filter_scaler_and_network",
    "tests/calibration/test_calibrated_classifier.py::test_sklearn_checks"
    "[MultilabelTunedThresholdClassifierCV-check_estimator_sparse",
    "tests/calibration/test_conformal_sets.py::test_example_runs",
    # Large X.
    "tests/inspection/test_memory_maps.py::test_memory_of_lead_importance",
    "tests/deep/test_batches.py::test_memory_map_is_not_copied_as_a_whole",
    "tests/datasets/test_ecg_images.py::test_memory_of_large_images",
    "tests/test_lazy_estimators.py::test_memory_is_bounded",
    # Processes.
    "tests/deep/test_checkpoints.py::test_descriptions_are_those_of_other_processes",
    "tests/deep/test_checkpoints.py::test_fits_killed_50_times",
    "tests/deep/test_checkpoints.py::test_killed_fits",
    "tests/deep/test_checkpoints.py::test_searches_in_two_processes",
    "tests/deep/test_fit_callbacks.py::test_without_callbacks_of_sklearn",
    "tests/feature_selection/test_sequential.py::test_processes_give_the_same",
    "tests/test_lazy_estimators.py::test_grid_search_in_processes",
    "tests/test_lazy_estimators.py::test_tools_that_select_rows_take_a_column",
    "tests/utils/test_parallel.py::test_n_jobs_within_n_jobs",
    "tests/utils/test_parallel.py::test_parts_are_computed_by_other_processes",
    "tests/datasets/test_fuzz.py::test_damaged_files",
    "tests/persistence/test_files.py::test_killed_while_saving",
    "tests/persistence/test_save_load.py::test_other_process_gives_the_same_bits",
    "tests/datasets/test_download.py::test_interrupt_while_the_server_is_silent",
    "tests/datasets/test_hostile_files.py::test_the_limit_of_pixels_in_worker_processes",
    "tests/deep/test_program_settings.py::test_fork_during_a_fit_in_another_thread",
    "tests/deep/test_threads.py::test_results_do_not_depend_on_the_threads_of_the_program",
    "tests/model_selection/test_duplicates.py::test_memory_of_many_flat_records",
)
# Many cases, networks or processes, which take seconds in all; coverage is measured.
SLOW_CASES = (
    "tests/reporting/test_model_card.py::test_containers_of_signals_and_wrappers",
    "tests/reporting/test_model_card.py::test_multiclass_and_multilabel",
    "tests/reporting/test_model_card.py::test_training_records_recognized_from_normalization",
    "tests/augmentation/test_signal_transforms.py::test_cardiac_mask_never_touches_a_peak",
    "tests/beats/test_pacemaker.py::test_r_peaks_are_on_the_complexes",
    "tests/calibration/test_calibrated_classifier.py::test_containers_and_networks",
    "tests/calibration/test_calibrated_classifier.py::test_equals_scikit_learn_bit_by_bit",
    "tests/calibration/test_tuned_threshold.py::test_equals_scikit_learn",
    "tests/calibration/test_tuned_threshold.py::test_weights_of_training_and_scores",
    "tests/datasets/test_cache.py::test_two_processes_build_the_same_array",
    "tests/datasets/test_ecg_images.py::test_folders_are_classes",
    "tests/datasets/test_ptbxl.py::test_damaged_rows_are_named",
    "tests/datasets/test_ptbxl.py::test_parameter_errors",
    "tests/datasets/test_ptbxl.py::test_reading_data_does_not_import_torch",
    "tests/datasets/test_ptbxl.py::test_unusual_records_are_named",
    "tests/datasets/test_wfdb.py::test_permuted_renamed_and_missing_leads",
    "tests/datasets/test_wfdb.py::test_several_processes_load_the_same",
    "tests/deep/test_acl_ecg.py::test_frozen_encoder_in_learning_curve_is_not_pretrained_again",
    "tests/deep/test_acl_ecg.py::test_hash_depends_on_content_only",
    "tests/deep/test_labels.py::test_masks_are_not_lost",
    "tests/deep/test_msaic_losses.py::test_each_option_learns",
    "tests/deep/test_msaic_net.py::test_reading_data_does_not_import_torch",
    "tests/deep/test_program_settings.py::test_results_do_not_depend_on_settings",
    "tests/deep/test_saving.py::test_another_process_reads_the_file",
    "tests/deep/test_saving.py::test_copies_of_a_fitted_classifier_are_equal",
    "tests/deep/test_saving.py::test_copies_of_a_fitted_encoder_are_equal",
    "tests/deep/test_saving.py::test_processes",
    "tests/deep/test_simcardionet.py::test_collapse_of_the_cosine_alone_warns",
    "tests/deep/test_simcardionet.py::test_grad_cam_highlights_the_marked_region",
    "tests/deep/test_simcardionet.py::test_grad_cam_of_a_pipeline_highlights_the_leads_of_the_infarction",
    "tests/deep/test_simcardionet.py::test_grad_cam_with_attention_highlights_the_marked_region",
    "tests/feature_selection/test_sequential.py::test_containers",
    "tests/feature_selection/test_sequential.py::test_selects_as_sklearn",
    "tests/inspection/test_displays.py::test_artists_stay_in_given_axes",
    "tests/inspection/test_displays.py::test_importance_of_every_estimator",
    "tests/inspection/test_displays.py::test_texts_do_not_overlap_and_are_inside",
    "tests/inspection/test_lead_groups.py::test_infarcted_region_ranks_first_in_features_and_in_signals",
    "tests/inspection/test_lead_importance.py::test_X_is_not_modified_and_may_be_read_only",
    "tests/inspection/test_lead_importance.py::test_containers_agree",
    "tests/inspection/test_lead_importance.py::test_equals_sklearn_with_every_option",
    "tests/inspection/test_lead_importance.py::test_equals_sklearn_with_several_scores",
    "tests/inspection/test_lead_importance.py::test_result_does_not_depend_on_n_jobs",
    "tests/inspection/test_memory_maps.py::test_memory_maps_give_the_results_of_arrays",
    "tests/persistence/test_onnx.py::test_failed_export_keeps_the_old_file",
    "tests/persistence/test_onnx.py::test_is_the_same_again",
    "tests/persistence/test_onnx.py::test_nan_and_infinity_give_nan",
    "tests/persistence/test_onnx.py::test_other_shapes_are_refused",
    "tests/persistence/test_onnx.py::test_other_numbers_are_refused",
    "tests/persistence/test_onnx.py::test_is_valid_and_complete",
    "tests/persistence/test_onnx.py::test_equal_network_passes",
    "tests/persistence/test_onnx.py::test_a_difference_of_the_logits_is_found",
    "tests/persistence/test_onnx.py::test_a_difference_of_the_probabilities_is_found",
    "tests/persistence/test_save_load.py::test_deep_estimators",
    "tests/properties/test_dataset_properties.py::test_save_and_load",
    "tests/properties/test_estimator_properties.py::test_classifier",
    "tests/properties/test_inspection_properties.py::test_lead_importance_display",
    "tests/persistence/test_save_load.py::test_scikit_learn",
    "tests/test_estimators.py::test_numpy_numbers_are_numbers",
    "tests/test_metadata.py::test_routing_through_cross_validate",
    "tests/test_structure.py::test_import_does_not_load",
)
# Real records, and networks that are trained until they find infarctions.
SLOW_FIXTURES = {"data_folder", "infarction", "infarctions"}

# Tests that `make test` leaves out, because together they take some minutes.
LONG = (
    # The checks of scikit-learn train each network some hundred times.
    *(
        f"tests/test_estimators.py::test_sklearn_checks[{name}-"
        for name in (
            "ACLECGClassifier",
            "BeatFeatureClassifier",
            "BeatFeatureEncoder",
            "ECGNetClassifier",
            "ECGNetRegressor",
            "MSAICNetClassifier",
            "MSAICNetRegressor",
            "SimCardioNetClassifier",
            "SimCardioNetEncoder",
        )
    ),
    "tests/deep/test_new_method.py::test_sklearn_checks",
    # Real records, large arrays and many fits.
    "tests/datasets/test_fuzz.py::test_damaged_files",
    "tests/datasets/test_real_records.py::test_all_of_ptbxl",
    "tests/deep/test_batches.py::test_memory_map_is_not_copied_as_a_whole",
    "tests/deep/test_msaic_net.py::test_weighted_prevalence_is_learned_with_any_batch_size",
    "tests/imbalance/test_sampling_pipelines.py::test_networks_and_features",
    "tests/inspection/test_memory_maps.py::test_memory_of_lead_importance",
    "tests/preprocessing/test_electrode_swaps.py::test_real_records",
    "tests/preprocessing/test_signal_pipelines.py::test_filter_scaler_and_network",
    "tests/test_lazy_estimators.py::test_memory_is_bounded",
    "tests/test_similar_records.py::test_printed_pages",
    "tests/validation/test_millivolts.py::test_real_records",
    # Networks that learn to find infarctions.
    "tests/inspection/test_lead_groups.py::test_infarcted_region_ranks_first",
    "tests/inspection/test_lead_importance.py::test_infarcted_region_ranks_first",
    "tests/inspection/test_synthetic_importance.py::test_infarcted_region_ranks_first",
    # Every display with every estimator.
    "tests/inspection/test_displays.py::test_artists_stay_in_given_axes",
    "tests/test_dask.py::test_two_workers_give_the_results_of_one_process",
    "tests/deep/test_processes_together.py::test_result_is_that_of_one_process",
    "tests/deep/test_processes_together.py::test_checkpoint",
    "tests/deep/test_processes_together.py::test_errors_are_those_of_all_processes",
    "tests/deep/test_processes_together.py::test_launcher_ends_the_job",
    "tests/deep/test_processes_together.py::test_lost_process_raises",
    "tests/deep/test_checkpoints.py::test_fits_killed_50_times",
    "tests/deep/test_threads.py::test_n_jobs_do_not_matter",
    "tests/deep/test_threads.py::test_processes_and_files_do_not_matter",
    "tests/persistence/test_onnx.py::test_all_estimators",
    "tests/persistence/test_onnx.py::test_networks_by_name",
    "tests/persistence/test_onnx.py::test_pipeline_as_a_file",
    "tests/persistence/test_onnx.py::test_thresholds_and_prior_as_a_file",
    "tests/deep/test_simcardionet.py::test_grad_cam_of_a_pipeline_highlights",
    "tests/test_tools.py::test_tool",
    "tests/test_readme.py::test_examples_run_as_they_are",
    "tests/test_readme.py::test_scripts_run",
    "tests/test_newcomer.py::test_from_a_folder_to_a_prediction",
    "tests/persistence/test_files.py::test_killed_while_saving",
    "tests/persistence/test_save_load.py::test_other_process_gives_the_same_bits",
)

# Tests that `make test-min` leaves out, with what they need.
NEWEST = (
    # Exporting to ONNX needs torch 2.9.
    "tests/persistence/test_onnx.py",
    # Which warnings and errors older libraries raise for arbitrary arguments has not been tried.
    "tests/properties/test_augmentation_properties.py",
    "tests/properties/test_dataset_properties.py",
    "tests/properties/test_estimator_properties.py",
    "tests/properties/test_inspection_properties.py",
    "tests/properties/test_lead_properties.py",
    "tests/properties/test_metric_properties.py",
    "tests/properties/test_network_properties.py",
    "tests/properties/test_sampler_properties.py",
    "tests/properties/test_split_properties.py",
    "tests/properties/test_transformer_properties.py",
    # MAPIE of these versions of NumPy and scikit-learn has not been tried.
    "tests/calibration/test_conformal_sets.py",
    # Pillow 10.3 does not decode these TIFF files.
    "tests/datasets/test_ecg_images.py::test_modes[YCbCr",
    # pandas 2.2.0 does not read Arrow lists from the metadata of a Parquet file.
    "tests/leads/test_leads.py::test_pandas_read_parquet_of_a_lead_frame",
    # scikit-learn 1.6 ignores sample_weight in class_weight="balanced", and flips binary labels
    # in one of two data sets that it compares.
    "tests/calibration/test_calibrated_classifier.py::test_sklearn_checks"
    "[PriorCorrectedClassifier-check_sample_weight_equivalence",
    "tests/calibration/test_calibrated_classifier.py::test_sklearn_checks"
    "[MultilabelTunedThresholdClassifierCV-check_sample_weight_equivalence",
)


def pytest_collection_modifyitems(items):
    """Add the markers ``slow``, ``no_cover``, ``long`` and ``newest``."""
    for item in items:
        if item.nodeid.startswith(SLOW) or SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
            # Coverage would add two fifths to their time.
            item.add_marker(pytest.mark.no_cover)
        elif item.nodeid.startswith(SLOW_CASES):
            item.add_marker(pytest.mark.slow)
        if item.nodeid.startswith(LONG):
            item.add_marker(pytest.mark.long)
        if item.nodeid.startswith(NEWEST):
            item.add_marker(pytest.mark.newest)


def find_data_folder():
    """Return the folder of real data, or skip the test, or fail if the folder is required."""
    folder = os.environ.get("SKLEARN_ECG_DATA")
    if folder and Path(folder).is_dir():
        return Path(folder)
    reason = "needs real data: set SKLEARN_ECG_DATA to the folder that holds ptbxl/"
    if folder:
        reason = f"SKLEARN_ECG_DATA={folder!r} is not a folder"
    if os.environ.get("SKLEARN_ECG_REQUIRE_DATA") == "1":
        pytest.fail(f"{reason} (SKLEARN_ECG_REQUIRE_DATA=1)", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def data_folder():
    """The folder of real data in SKLEARN_ECG_DATA. Without it, the test is skipped.

    With SKLEARN_ECG_REQUIRE_DATA=1, the test fails instead.
    """
    return find_data_folder()


def make_small_network(**params):
    """A network that trains in seconds."""
    params = {"max_epochs": 20, **params}
    return MSAICNetClassifier(
        dilations=(1, 2),
        filters=(8, 16),
        kernel_size=7,
        embedding_dim=16,
        projection_dim=8,
        learning_rate=5e-3,
        random_state=0,
        **params,
    )


def make_infarctions(region, n_train=300):
    """Training records and test records of other patients, as lead frames."""
    X, y = make_ecg(
        n_train + 200,
        duration=3,
        regions=region,
        prevalence=0.5,
        as_frame=True,
        return_X_y=True,
        class_sep=float("inf"),
        random_state=0,
    )
    return X[:n_train], y[:n_train], X[n_train:], y[n_train:]


@pytest.fixture(scope="session")
def small_network():
    """The function that makes a small network."""
    return make_small_network


@pytest.fixture(scope="session")
def infarctions():
    """The function that makes records of an infarction."""
    return make_infarctions


@pytest.fixture(scope="session", params=list(REGIONS_12))
def infarction(request):
    """A region, a network trained on its infarctions, and test records of other patients."""
    X_train, y_train, X, y = make_infarctions(request.param)
    return request.param, make_small_network().fit(X_train, y_train), X, y
