"""The DaggerML adapter for Slurm clusters.

| module | holds |
|---|---|
| ``cli`` | the program ``daggerml-adapter-slurm`` and what it answers |
| ``calls`` | calls as tasks of job arrays: start, find again, collect, stop |
| ``folder`` | the shared folder through which calls and results go |
| ``batches`` | what gathers calls into job arrays, and stops jobs |
| ``cluster`` | Slurm's own programs: ``sbatch``, ``squeue``, ``sacct``, ``scancel`` |
| ``states`` | what Slurm tells of jobs, and what that means for a call |
| ``task`` | the code that runs on a node; it is sent there |
"""

__all__: list[str] = []
