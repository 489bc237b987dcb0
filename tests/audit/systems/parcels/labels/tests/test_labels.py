from labels.app import app


def test_a_label_has_its_number():
    assert app.test_client().get("/labels/42").text == "PARCEL 42\n"
