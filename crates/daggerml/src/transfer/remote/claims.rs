//! Claims at a remote: of all machines that want a call, one runs it.
//!
//! A claim is what the blob of a call holds until there is a result. Whoever runs the call
//! makes it by a compare-and-swap, renews it by others, and replaces it by the result with
//! the last. The others look at the blob now and then. A claim that nobody renews for its
//! lease is taken over by a compare-and-swap as well.
//!
//! It saves work and decides nothing: who loses a claim runs the call to its end, and of two
//! results one stays.

use std::time::Duration;

use crate::cbor::{Reader, Writer};
use crate::error::{Error, Fault, FaultKind, RemoteError, Result};
use crate::record::CallKey;
use crate::transfer::transport::Etag;

use super::Remote;
use super::calls::{Seen, SharedCall, SharedState, TRIES, call_blob, nothing};

/// The longest lease that is believed: others would wait for as long.
const LONGEST_LEASE: Duration = Duration::from_mins(10);

/// How exact the times are that a remote tells.
const EXACT: Duration = Duration::from_secs(1);

/// That somebody runs a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteClaim {
    /// Whose it is: the id of an owner of claims here.
    pub token: [u8; 16],
    /// Raised by every renewal.
    pub beat: u64,
    /// How long it counts after that.
    pub lease: Duration,
}

impl RemoteClaim {
    pub(super) fn encode(&self, writer: &mut Writer) {
        writer.array(3);
        writer.bytes(&self.token);
        writer.uint(self.beat);
        writer.uint(u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX));
    }

    /// Reads what comes after the head of the array.
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let token = reader.bytes()?;
        let token = token
            .try_into()
            .map_err(|_| reader.fault(FaultKind::Payload, "not the token of a claim"))?;
        Ok(Self {
            token,
            beat: reader.uint()?,
            lease: Duration::from_millis(reader.uint()?).min(LONGEST_LEASE),
        })
    }
}

/// What came of claiming a call.
pub(crate) enum Claiming {
    /// It has a result already, with this mark.
    Made(Etag, SharedCall),
    /// Somebody else has the claim with this mark.
    Busy(Etag, RemoteClaim),
    /// The claim is ours, and this is its mark.
    Mine(Etag),
}

/// What a claim may be made in the place of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Over {
    /// What has this mark.
    pub etag: Option<Etag>,
    /// The claim of an owner who is known to be dead.
    pub token: Option<[u8; 16]>,
}

impl Remote {
    /// Claims the call `key`, unless it has a result or somebody else's claim, other than one
    /// that is to be replaced. `call` is the claim.
    pub(crate) fn claim_call(
        &self,
        key: CallKey,
        call: &SharedCall,
        over: &Over,
    ) -> Result<Claiming> {
        let mut last = None;
        for _ in 0..TRIES {
            let expected = match self.shared_call(key, None)? {
                Seen::Free(etag) => etag,
                Seen::There(etag, _) if over.etag.as_ref() == Some(&etag) => Some(etag),
                Seen::There(etag, there) => match &there.state {
                    // The answer to the swap was lost.
                    _ if there == *call => return Ok(Claiming::Mine(etag)),
                    SharedState::Claimed(claim) if over.token == Some(claim.token) => Some(etag),
                    SharedState::Claimed(claim) => return Ok(Claiming::Busy(etag, claim.clone())),
                    _ => return Ok(Claiming::Made(etag, there)),
                },
                Seen::Unchanged => None,
            };
            match self.swap_call(key, call, expected.as_ref()) {
                Ok(Some(etag)) => return Ok(Claiming::Mine(etag)),
                Ok(None) => {}
                // It may have been done.
                Err(error) if matches!(&*error, Error::Remote(error) if error.is_transient()) => {
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| {
            RemoteError::Busy {
                remote: self.address().to_owned(),
            }
            .into()
        }))
    }

    /// Renews a claim, whose mark is `etag`. Returns the new mark; `None` when the claim is
    /// lost.
    pub(crate) fn renew_claim(
        &self,
        key: CallKey,
        call: &SharedCall,
        etag: &Etag,
    ) -> Result<Option<Etag>> {
        if let Some(etag) = self.swap_call(key, call, Some(etag))? {
            return Ok(Some(etag));
        }
        // An earlier swap may have been done though its answer was lost.
        let Some(etag) = self.own_claim(key, call)? else {
            return Ok(None);
        };
        self.swap_call(key, call, Some(&etag))
    }

    /// Gives a claim up, whose mark is `etag`, so that another one can run the call.
    pub(crate) fn release_claim(&self, key: CallKey, call: &SharedCall, etag: &Etag) -> Result<()> {
        let free = nothing(&call.who);
        if self.swap_call(key, &free, Some(etag))?.is_none()
            && let Some(etag) = self.own_claim(key, call)?
        {
            self.swap_call(key, &free, Some(&etag))?;
        }
        Ok(())
    }

    /// Returns the mark of a claim that is there, if it is that of `call`, perhaps with
    /// another beat.
    fn own_claim(&self, key: CallKey, call: &SharedCall) -> Result<Option<Etag>> {
        let token = |call: &SharedCall| match &call.state {
            SharedState::Claimed(claim) => Some(claim.token),
            _ => None,
        };
        Ok(match self.shared_call(key, None)? {
            Seen::There(etag, there) if there.when == call.when && token(&there) == token(call) => {
                Some(etag)
            }
            _ => None,
        })
    }

    /// Returns how long ago what has the mark `etag` was written, at least, by the remote's
    /// clock. `None` when that cannot be found out.
    pub(crate) fn claim_age(&self, key: CallKey, etag: &Etag) -> Result<Option<Duration>> {
        let blob = call_blob(key)?;
        let listed = self.list(blob.as_str(), None)?;
        let written = listed
            .first()
            .filter(|entry| entry.key == blob)
            .and_then(|entry| entry.modified);
        let (Some(written), Some(now)) = (written, self.clock()?) else {
            return Ok(None);
        };
        // A list may be late, and a renewal may have come since.
        if !matches!(self.shared_call(key, Some(etag))?, Seen::Unchanged) {
            return Ok(None);
        }
        let age = u64::try_from(now.saturating_sub(written)).unwrap_or_default();
        Ok(Some(Duration::from_secs(age).saturating_sub(EXACT)))
    }
}
