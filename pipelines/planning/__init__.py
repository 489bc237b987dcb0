"""From the configuration and the working copy to the steps that have to run."""
