//! The process itself.

/// What does not change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Process {
    /// Start, microseconds since the Unix epoch.
    pub started_us: i64,
}

/// Resident memory in bytes; `None` where the system does not tell it in Linux' way.
pub(super) fn resident_bytes() -> Option<u64> {
    resident(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// From the text of `/proc/PID/status` (proc_pid_status(5)): `VmRSS`, given in kibibytes.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::resident;

    #[test]
    fn the_resident_line_is_read_in_bytes() {
        assert_eq!(resident("Name:\tx\nVmRSS:\t    1234 kB\nVmSwap:\t 5 kB\n"), Some(1_263_616));
        assert_eq!(resident("VmRSS:\t many kB"), None);
        assert_eq!(resident(""), None);
    }
}
