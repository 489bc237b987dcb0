"""Other programs: started here, masked here, ended here."""
