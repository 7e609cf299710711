from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.tempo import tempo_figures


def test_the_songs_own_drums_keep_the_tempo_as_often_as_real_ones(truthful: Context) -> None:
    figures = tempo_figures(truthful)
    assert [figure.name for figure in figures] == ["tempo.joint", "tempo.drums_alone"]
    for figure in figures:
        assert figure.value == 1
        assert figure.met


def test_a_model_of_random_weights_keeps_it_less_often(truthful: Context) -> None:
    joint = tempo_figures(Context(truthful.plan, truthful.out))[0]
    assert joint.value < 1
