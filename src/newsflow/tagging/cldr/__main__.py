"""`python -m newsflow.tagging.cldr`: write the generated rules anew."""

from newsflow.tagging.cldr.generate import write_all

if __name__ == "__main__":
    write_all()
