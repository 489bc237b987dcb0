"""The docker engine of deploys: releases as Compose projects side by side, behind HAProxy."""
