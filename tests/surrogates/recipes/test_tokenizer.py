"""The study of chaos in words keeps what it claims."""

from scenegrad.surrogates.recipes.tokenizer import Tokenizer
from scenegrad.view.report import Stage


def test_the_study_of_chaos_in_words_keeps_its_claims(tmp_path):
    chapter = Tokenizer.preset("small").run(Stage(tmp_path, "cpu", quiet=True))
    assert [str(claim) for claim in chapter.claims if not claim.holds] == []
    assert all(picture.path.is_file() for picture in chapter.pictures)
